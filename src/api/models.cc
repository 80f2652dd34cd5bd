#include "api/models.h"

#include "api/endpoints.h"
#include "api/errors.h"
#include "json/writer.h"

namespace casemate::api {
namespace {

void WriteModel(json::Writer& writer, const custody::ModelEntry& model) {
  writer.BeginObject();
  writer.Key("id").String(model.name);
  writer.Key("object").String("model");
  writer.Key("created").Integer(model.added);
  writer.Key("owned_by").String("casemate");
  writer.EndObject();
}

// Which models there are is known without opening anything, but who asked is logged as use.
Result<void> LogUse(Exchange& exchange) {
  Result<custody::Ticket> ticket = exchange.NewTicket({});
  return ticket ? Result<void>() : std::unexpected(ticket.error());
}

}  // namespace

Result<custody::ModelEntry> FindModel(const Exchange& exchange, std::string_view name,
                                      std::string_view task) {
  std::string there;
  for (const custody::ModelEntry& model : exchange.services().models()) {
    if (model.name == name) {
      if (!task.empty() && model.task != task) {
        return std::unexpected(Error{.code = ErrorCode::kInvalidArgument,
                                     .message = "The model '" + model.name + "' is for " +
                                                model.task + ", not for " + std::string(task) + ".",
                                     .param = "model",
                                     .detail = {}});
      }
      return model;
    }
    there += (there.empty() ? "'" : ", '") + model.name + "'";
  }
  return std::unexpected(
      Error{.code = ErrorCode::kNotFound,
            .message = "The model '" + std::string(name) +
                       "' does not exist; there are: " + (there.empty() ? "none" : there) + ".",
            .param = "model",
            .detail = {}});
}

Result<ModelAccess> AccessModel(Exchange& exchange, const std::string& name,
                                std::string_view task) {
  if (Result<custody::ModelEntry> model = FindModel(exchange, name, task); !model) {
    return std::unexpected(model.error());
  }
  Result<custody::Ticket> ticket = exchange.NewTicket({.receipt = true});
  if (!ticket) {
    return std::unexpected(ticket.error());
  }
  Result<std::shared_ptr<inference::RoomClient>> room = exchange.services().rooms.Room(name);
  if (!room) {
    return std::unexpected(room.error());
  }
  return ModelAccess{.ticket = std::move(*ticket), .room = std::move(*room)};
}

Result<void> ListModels(Exchange& exchange, const Ids&) {
  if (Result<void> logged = LogUse(exchange); !logged) {
    return logged;
  }
  json::Writer writer;
  writer.BeginObject().Key("object").String("list").Key("data").BeginArray();
  for (const custody::ModelEntry& model : exchange.services().models()) {
    WriteModel(writer, model);
  }
  writer.EndArray().EndObject();
  return exchange.SendJson(writer.Take());
}

Result<void> GetModel(Exchange& exchange, const Ids& ids) {
  if (Result<void> logged = LogUse(exchange); !logged) {
    return logged;
  }
  Result<custody::ModelEntry> model = FindModel(exchange, ids[0], {});
  if (!model) {
    return std::unexpected(model.error());
  }
  json::Writer writer;
  WriteModel(writer, *model);
  return exchange.SendJson(writer.Take());
}

}  // namespace casemate::api
