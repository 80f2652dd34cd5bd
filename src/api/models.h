#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "api/exchange.h"
#include "custody/client/release_client.h"
#include "custody/messages.h"
#include "inference/client/room_client.h"

namespace casemate::api {

// The tenant's model of that name. Errors: kNotFound, kInvalidArgument (it is for another task),
// both about "model". `task` empty: any.
[[nodiscard]] Result<custody::ModelEntry> FindModel(const Exchange& exchange, std::string_view name,
                                                    std::string_view task);

// What a request that opens nothing stored works with: the ticket is the log's record of the use,
// and what a revocation ends.
struct ModelAccess {
  custody::Ticket ticket;
  std::shared_ptr<inference::RoomClient> room;
};
// The model's room under a ticket of its own, for an answer that gets a receipt. Errors: as
// FindModel; those of NewTicket and of RoomDirectory::Room.
[[nodiscard]] Result<ModelAccess> AccessModel(Exchange& exchange, const std::string& name,
                                              std::string_view task);

}  // namespace casemate::api
