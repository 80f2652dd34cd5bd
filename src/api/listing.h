#pragma once

#include <string_view>

#include "json/writer.h"
#include "retrieval/library.h"
#include "secmem/plaintext.h"

namespace casemate::api {

// "in_progress", "completed", "failed", "cancelled".
std::string_view AttachmentStatusName(retrieval::AttachmentStatus status);

// One file of a vector store, as OpenAI's "vector_store.file".
void WriteAttachment(json::Writer& writer, const retrieval::AttachmentInfo& attachment);

// What Casemate adds to an object: {"label"}.
inline void WriteLabel(json::Writer& writer, const std::string& label) {
  writer.Key("casemate").BeginObject().Key("label").String(label).EndObject();
}

// A page as OpenAI's lists have it: {"object": "list", "data", "first_id", "last_id", "has_more"}.
// `write(writer, item)` writes one item; `id(item)` is its id in text.
template <typename T>
Plaintext ListJson(const retrieval::Listed<T>& listed, const auto& write, const auto& id) {
  json::Writer writer;
  writer.BeginObject().Key("object").String("list").Key("data").BeginArray();
  for (const T& item : listed.items) {
    write(writer, item);
  }
  writer.EndArray();
  writer.Key("first_id");
  listed.items.empty() ? writer.Null() : writer.String(id(listed.items.front()));
  writer.Key("last_id");
  listed.items.empty() ? writer.Null() : writer.String(id(listed.items.back()));
  writer.Key("has_more").Bool(listed.has_more);
  writer.EndObject();
  return writer.Take();
}

}  // namespace casemate::api
