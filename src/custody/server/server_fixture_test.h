#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>

#include "base/clock.h"
#include "custody/client/release_client_harness_test.h"
#include "custody/client/socket_release_client.h"
#include "custody/operator_messages.h"
#include "custody/server/custody_server.h"
#include "custody/server/deployment_fixture_test.h"
#include "ipc/peer.h"

namespace casemate::custody {

// A real server over SoftHSM2, one keeper, one operator, all in this process.
class SocketHarness : public ReleaseClientHarness {
 public:
  explicit SocketHarness(std::chrono::milliseconds lease = std::chrono::seconds(30)) {
    CustodyServer::Options options;
    options.lease = lease;
    options.custodian = deployment_.Make();
    server_ = std::make_unique<CustodyServer>(std::move(options));
    auto pair = ipc::Channel::MakePair();
    server_->AttachOperator(ipc::Channel(std::move(pair->first), ipc::ProcessKind::kCustodian,
                                         ipc::ProcessKind::kOperator));
    operator_ =
        ipc::Peer::Start(ipc::Channel(std::move(pair->second), ipc::ProcessKind::kOperator,
                                      ipc::ProcessKind::kCustodian),
                         {[](ipc::Incoming) {}, [](const ipc::Frame&) {}, [](const Error&) {}});
    key_ = *operator_->Call<KeyCreateReply>(KeyCreate{});
    tenant_ = operator_->Call<TenantListReply>(TenantList{})->tenants.front().id;
    client_ = Attach(tenant_);
  }

  std::unique_ptr<SocketReleaseClient> Attach(const TenantId& tenant) {
    auto pair = ipc::Channel::MakePair();
    EXPECT_TRUE(server_->AttachKeeper(tenant, std::move(pair->first)).has_value());
    auto client =
        SocketReleaseClient::Start(ipc::Channel(std::move(pair->second), ipc::ProcessKind::kKeeper,
                                                ipc::ProcessKind::kCustodian),
                                   {});
    Result<Tenant> introduction = client->WaitForTenant(std::chrono::seconds(10));
    EXPECT_TRUE(introduction.has_value());
    tenant_object_ = introduction->tenant_object;
    return client;
  }

  ReleaseClient& client() override { return *client_; }
  PrincipalId principal() override { return key_.principal; }
  KeyId key() override { return key_.id; }
  ObjectRef tenant_object() override { return tenant_object_; }
  void RevokePrincipal() override {
    Result<KeyRevokeReply> revoked = operator_->Call<KeyRevokeReply>(KeyRevoke{key_.id});
    EXPECT_TRUE(revoked.has_value());
  }
  void Await(const std::function<bool()>& heard) override {
    const auto end = BootClock::now() + std::chrono::seconds(10);
    while (!heard() && BootClock::now() < end) {
      ::usleep(1000);
    }
  }

  ipc::Peer& operator_peer() { return *operator_; }
  CustodyServer& server() { return *server_; }
  void StopServer() {
    operator_.reset();
    server_.reset();
  }
  const TenantId& tenant() const { return tenant_; }
  const Deployment& deployment() const { return deployment_; }
  template <typename Reply, typename Message>
  Result<Reply> Ask(const Message& message) {
    return operator_->Call<Reply>(message);
  }

 private:
  Deployment deployment_;
  std::unique_ptr<CustodyServer> server_;
  std::unique_ptr<ipc::Peer> operator_;
  std::unique_ptr<SocketReleaseClient> client_;
  KeyCreateReply key_;
  TenantId tenant_;
  ObjectRef tenant_object_;
};

}  // namespace casemate::custody
