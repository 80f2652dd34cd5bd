#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/error.h"
#include "custody/messages.h"
#include "secmem/key.h"

namespace casemate::custody {

// One purpose key on loan: HKDF(object secret, purpose || tenant || object || version), 32 bytes.
// Wiped when the lease ends, is revoked, or this object is destroyed, whichever comes first.
// Move-only.
class Lease {
 public:
  Lease(Lease&&) noexcept;
  Lease& operator=(Lease&&) noexcept;
  ~Lease();

  // Runs `use` with the key while it cannot be wiped. Errors: kPermissionDenied: the lease is over;
  // else what `use` returns. Keep no copy.
  [[nodiscard]] Result<void> With(const std::function<Result<void>(KeyView)>& use) const;
  std::chrono::milliseconds remaining() const;  // on BootClock, counted from sending the request
  policy::Label label() const;                  // of the object

  struct State;
  explicit Lease(std::shared_ptr<State> state);

 private:
  std::shared_ptr<State> state_;  // shared with the client's table, which wipes it
};

struct Created {
  ObjectRef ref;
  std::vector<Lease> leases;  // in the order of the purposes asked for
};

// A keeper's permission to open things, for one request. Closing it (or destroying it) ends every
// lease made under it. Move-only.
class Ticket {
 public:
  Ticket(Ticket&&) noexcept;
  Ticket& operator=(Ticket&&) noexcept;
  ~Ticket();
  const TicketId& id() const;
  policy::Label ceiling() const;  // highest that it opens at all
  // How far it reaches in this collection; nothing: it does not.
  std::optional<policy::Label> ceiling(const CollectionId& collection) const;
  std::uint64_t log_index() const;
  // Revoked, expired or closed.
  bool over() const;
  // From now on destroying it ends its leases and tells nobody: CloseWithReceipt does.
  void LeaveOpen();
  // Runs once when it is revoked (at once if it has been), on the connection's thread: be brief.
  void OnRevoked(std::function<void()> on_revoked);

  struct State;
  explicit Ticket(std::shared_ptr<State> state);
  const std::shared_ptr<State>& state() const { return state_; }

 private:
  std::shared_ptr<State> state_;
};

// A keeper's view of the custodian: it asks for what a ticket allows, and gets purpose keys on
// loan. Object secrets never pass through here.
//
// Implementations: SocketReleaseClient (embedded custodian); FakeReleaseClient (tests). Message
// layout and test vectors: docs/formats/release.md.
//
// Threads: all members may run at the same time. They wait for the custodian, which waits for the
// token and for the log's durable write: never call them from a network thread.
class ReleaseClient {
 public:
  virtual ~ReleaseClient() = default;

  // Asks for a ticket. On return its audit entry is durable.
  // Errors: kPermissionDenied: grants or policy say no; detail names the rule. kUnavailable: the
  // custodian, the token or the log cannot be reached now; nothing was released.
  [[nodiscard]] virtual Result<Ticket> Request(const TicketRequest& request) = 0;

  // Leases the purpose keys of `objects` (1 to kMaxObjectsPerRelease), in their order, and counts
  // them against the ticket's ceiling. Leases are renewed in the background while the ticket lives.
  // Errors: kPermissionDenied: outside the ticket's scope or over its ceiling; none is leased.
  // kNotFound: an object was erased (detail says which). kDeadlineExceeded: the ticket has ended.
  [[nodiscard]] virtual Result<std::vector<Lease>> Open(const Ticket& ticket,
                                                        policy::Purpose purpose,
                                                        std::span<const ObjectRef> objects) = 0;

  // Which of `objects` (1 to kMaxObjectsPerRelease) Open would lease now, in their order, and why
  // not. Nothing is released, counted or logged. Errors: kDeadlineExceeded, kUnavailable.
  [[nodiscard]] virtual Result<std::vector<Reach>> Filter(const Ticket& ticket,
                                                          policy::Purpose purpose,
                                                          std::span<const ObjectRef> objects) = 0;

  // Makes objects with fresh secrets, durable on return. Errors: kPermissionDenied: also a label
  // below that of a source; kUnavailable; kResourceExhausted: the tree or the disk is full.
  [[nodiscard]] virtual Result<std::vector<Created>> Create(
      const Ticket& ticket, std::vector<NewObject> objects,
      std::span<const policy::Purpose> purposes) = 0;

  // Erases; on return nothing can open them any more. Errors: also kInvalidArgument: there is no
  // mirror and `no_mirror` is false.
  [[nodiscard]] virtual Result<EraseReply> Erase(const Ticket& ticket,
                                                 std::span<const ObjectRef> objects,
                                                 bool no_mirror) = 0;

  // Ends the ticket and its leases and waits until the custodian has itemised it in the log.
  [[nodiscard]] virtual Result<CloseTicketReply> Close(Ticket ticket) = 0;

  // Closes a ticket whose owner left it open and is done with it; on return the closing entry is
  // durable and the custodian vouches for what was released. Errors: kDeadlineExceeded: there is no
  // such ticket, it was closed, or it ended too long ago.
  [[nodiscard]] virtual Result<CloseForReceiptReply> CloseWithReceipt(
      const CloseForReceipt& request) = 0;
};

}  // namespace casemate::custody
