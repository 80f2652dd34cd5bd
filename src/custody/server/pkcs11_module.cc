#include "custody/server/pkcs11_module.h"

#include <dlfcn.h>

#include <array>
#include <cstdio>
#include <map>
#include <mutex>
#include <string>

namespace casemate::custody {

std::unexpected<Error> FailPkcs11(std::string_view what, CK_RV rv) {
  ErrorCode code = ErrorCode::kUnavailable;
  switch (rv) {
    case CKR_PIN_INCORRECT:
    case CKR_PIN_INVALID:
    case CKR_PIN_LEN_RANGE:
    case CKR_PIN_LOCKED:
    case CKR_PIN_EXPIRED:
      code = ErrorCode::kUnauthenticated;
      break;
    case CKR_ENCRYPTED_DATA_INVALID:
    case CKR_ENCRYPTED_DATA_LEN_RANGE:
    case CKR_WRAPPED_KEY_INVALID:
    case CKR_WRAPPED_KEY_LEN_RANGE:
      code = ErrorCode::kIntegrityFailure;
      break;
    case CKR_HOST_MEMORY:
    case CKR_DEVICE_MEMORY:
    case CKR_SESSION_COUNT:
      code = ErrorCode::kResourceExhausted;
      break;
    default:
      break;
  }
  std::array<char, 32> number{};
  (void)std::snprintf(number.data(), number.size(), "0x%08lx", static_cast<unsigned long>(rv));
  return Fail(code,
              code == ErrorCode::kUnauthenticated ? "the token refused the PIN"
                                                  : "the token answered with an error",
              std::string(what) + " returned " + number.data());
}

Result<CK_FUNCTION_LIST*> LoadPkcs11Module(const std::filesystem::path& path) {
  static std::mutex mutex;
  static std::map<std::string, CK_FUNCTION_LIST*> loaded;
  const std::lock_guard lock(mutex);
  if (const auto found = loaded.find(path.string()); found != loaded.end()) {
    return found->second;
  }
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return Fail(ErrorCode::kUnavailable, "the PKCS#11 library cannot be loaded: " + path.string(),
                ::dlerror());
  }
  auto* get_list = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"));
  CK_FUNCTION_LIST* functions = nullptr;
  if (get_list == nullptr || get_list(&functions) != CKR_OK || functions == nullptr) {
    ::dlclose(library);
    return Fail(ErrorCode::kUnavailable, "this is no PKCS#11 library: " + path.string());
  }
  CK_C_INITIALIZE_ARGS arguments{};
  arguments.flags = CKF_OS_LOCKING_OK;
  if (const CK_RV rv = functions->C_Initialize(&arguments);
      rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED) {
    return FailPkcs11("C_Initialize", rv);
  }
  loaded.emplace(path.string(), functions);
  return functions;
}

}  // namespace casemate::custody
