#pragma once

#include <string_view>
#include <vector>

#include "api/exchange.h"
#include "base/error.h"

// The handlers, one file per family. Each answers through the exchange or returns an error, which
// the router sends. `ids` are the variable parts of the path, in order.
namespace casemate::api {

using Ids = std::vector<std::string_view>;
using Handler = Result<void> (*)(Exchange&, const Ids&);

// models.cc
[[nodiscard]] Result<void> ListModels(Exchange& exchange, const Ids& ids);
[[nodiscard]] Result<void> GetModel(Exchange& exchange, const Ids& ids);
// chat.cc
[[nodiscard]] Result<void> CreateChatCompletion(Exchange& exchange, const Ids& ids);
// completions.cc
[[nodiscard]] Result<void> CreateCompletion(Exchange& exchange, const Ids& ids);
// rerank.cc
[[nodiscard]] Result<void> CreateRerank(Exchange& exchange, const Ids& ids);
// embeddings.cc
[[nodiscard]] Result<void> CreateEmbeddings(Exchange& exchange, const Ids& ids);
// responses.cc
[[nodiscard]] Result<void> CreateResponse(Exchange& exchange, const Ids& ids);
// receipts.cc
[[nodiscard]] Result<void> GetReceipt(Exchange& exchange, const Ids& ids);
// files.cc
[[nodiscard]] Result<void> CreateFile(Exchange& exchange, const Ids& ids);
[[nodiscard]] Result<void> ListFiles(Exchange& exchange, const Ids& ids);
[[nodiscard]] Result<void> GetFile(Exchange& exchange, const Ids& ids);
[[nodiscard]] Result<void> GetFileContent(Exchange& exchange, const Ids& ids);
[[nodiscard]] Result<void> DeleteFile(Exchange& exchange, const Ids& ids);
// vector_stores.cc
[[nodiscard]] Result<void> CreateVectorStore(Exchange& exchange, const Ids& ids);
[[nodiscard]] Result<void> ListVectorStores(Exchange& exchange, const Ids& ids);
[[nodiscard]] Result<void> GetVectorStore(Exchange& exchange, const Ids& ids);
[[nodiscard]] Result<void> DeleteVectorStore(Exchange& exchange, const Ids& ids);
[[nodiscard]] Result<void> SearchVectorStore(Exchange& exchange, const Ids& ids);
// vector_store_files.cc
[[nodiscard]] Result<void> AttachFile(Exchange& exchange, const Ids& ids);
[[nodiscard]] Result<void> ListAttachedFiles(Exchange& exchange, const Ids& ids);
[[nodiscard]] Result<void> GetAttachedFile(Exchange& exchange, const Ids& ids);
[[nodiscard]] Result<void> DetachFile(Exchange& exchange, const Ids& ids);
// vector_store_batches.cc
[[nodiscard]] Result<void> CreateFileBatch(Exchange& exchange, const Ids& ids);
[[nodiscard]] Result<void> GetFileBatch(Exchange& exchange, const Ids& ids);
[[nodiscard]] Result<void> CancelFileBatch(Exchange& exchange, const Ids& ids);
[[nodiscard]] Result<void> ListFilesOfBatch(Exchange& exchange, const Ids& ids);
// documents.cc: Casemate's own
[[nodiscard]] Result<void> FindCollection(Exchange& exchange, const Ids& ids);
[[nodiscard]] Result<void> ListDocuments(Exchange& exchange, const Ids& ids);
[[nodiscard]] Result<void> CompareDocuments(Exchange& exchange, const Ids& ids);
[[nodiscard]] Result<void> IngestDocument(Exchange& exchange, const Ids& ids);

}  // namespace casemate::api
