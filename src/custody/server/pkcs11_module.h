#pragma once

#include <p11-kit/pkcs11.h>

#include <filesystem>
#include <memory>
#include <string_view>

#include "base/error.h"

// Inside this folder only: the PKCS#11 library as loaded.
namespace casemate::custody {

// The library is initialised once per process and stays: two C_Finalize calls of two users would
// take it from each other.
[[nodiscard]] Result<CK_FUNCTION_LIST*> LoadPkcs11Module(const std::filesystem::path& path);

// The error for a CK_RV that is not CKR_OK. `what` is the function's name.
[[nodiscard]] std::unexpected<Error> FailPkcs11(std::string_view what, CK_RV rv);

}  // namespace casemate::custody
