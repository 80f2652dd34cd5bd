#pragma once

#include "assess/evidence/export_kinds.h"

// Who can use a key of an Azure key vault: access policies, role assignments, and the policy that
// a key is released by.
namespace casemate::assess {

constexpr At kAzureKey = {.kind = Kind::kKey, .element = "azure-key"};

// `az role assignment list`: a list, as Azure's tools write it.
bool IsAzureRoles(const json::Value& root);
Result<void> ReadAzureRoles(const json::Value& root, Export& out);

// properties.accessPolicies of a vault that does not go by roles.
Result<void> ReadAzureAccessPolicies(const json::Value& properties, Export& out);

// attributes.exportable and releasePolicy of a key.
Result<void> ReadAzureRelease(const json::Value& key, Export& out);

}  // namespace casemate::assess
