#include "custody/server/pkcs11_token.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <mutex>

#include "base/file.h"
#include "crypto/hash.h"
#include "custody/server/pkcs11_module.h"

namespace casemate::custody {
namespace {

constexpr std::size_t kIvSize = 12;
constexpr std::size_t kMaxAnchor = 1024;
constexpr std::size_t kMaxWrapped = 256;
// The first byte of what Wrap returns: how it was wrapped.
constexpr std::byte kWrappedByGcm{1};
constexpr std::byte kWrappedByKeyWrapPad{2};
constexpr std::byte kWrappedByKeyWrap{3};

// PKCS #11 takes values by pointer to non-const; nothing writes through it.
CK_BBOOL true_value = CK_TRUE;
CK_BBOOL false_value = CK_FALSE;
CK_OBJECT_CLASS secret_key_class = CKO_SECRET_KEY;
CK_OBJECT_CLASS data_class = CKO_DATA;
CK_KEY_TYPE aes_type = CKK_AES;
CK_KEY_TYPE generic_type = CKK_GENERIC_SECRET;

CK_BYTE* Raw(ByteView bytes) {
  return reinterpret_cast<CK_BYTE*>(const_cast<std::byte*>(bytes.data()));
}
CK_ATTRIBUTE TextAttribute(CK_ATTRIBUTE_TYPE type, const std::string& text) {
  return {type, const_cast<char*>(text.data()), text.size()};
}

// PKCS#11 pads texts with blanks.
std::string Trimmed(const unsigned char* text, std::size_t size) {
  std::string out(reinterpret_cast<const char*>(text), size);
  out.erase(out.find_last_not_of(' ') + 1);
  return out;
}

bool Matches(const TokenUri& uri, const CK_TOKEN_INFO& info) {
  const auto same = [](const std::string& wanted, const unsigned char* text, std::size_t size) {
    return wanted.empty() || wanted == Trimmed(text, size);
  };
  return same(uri.token, info.label, sizeof(info.label)) &&
         same(uri.serial, info.serialNumber, sizeof(info.serialNumber)) &&
         same(uri.manufacturer, info.manufacturerID, sizeof(info.manufacturerID)) &&
         same(uri.model, info.model, sizeof(info.model));
}

Result<std::vector<CK_SLOT_ID>> Slots(CK_FUNCTION_LIST* f) {
  CK_ULONG count = 0;
  if (const CK_RV rv = f->C_GetSlotList(CK_TRUE, nullptr, &count); rv != CKR_OK) {
    return FailPkcs11("C_GetSlotList", rv);
  }
  std::vector<CK_SLOT_ID> slots(count);
  if (const CK_RV rv = f->C_GetSlotList(CK_TRUE, slots.data(), &count); rv != CKR_OK) {
    return FailPkcs11("C_GetSlotList", rv);
  }
  slots.resize(count);
  return slots;
}

// The one initialised token that fits. Errors: kNotFound; kConflict: several.
Result<CK_SLOT_ID> FindToken(CK_FUNCTION_LIST* f, const TokenUri& uri, CK_TOKEN_INFO& info) {
  Result<std::vector<CK_SLOT_ID>> slots = Slots(f);
  if (!slots) {
    return std::unexpected(slots.error());
  }
  std::optional<CK_SLOT_ID> found;
  for (const CK_SLOT_ID slot : *slots) {
    CK_TOKEN_INFO candidate{};
    if (f->C_GetTokenInfo(slot, &candidate) != CKR_OK ||
        (candidate.flags & CKF_TOKEN_INITIALIZED) == 0 || !Matches(uri, candidate)) {
      continue;
    }
    if (found) {
      return Fail(ErrorCode::kConflict,
                  "several tokens fit: name one by token and serial in the PKCS#11 URI");
    }
    found = slot;
    info = candidate;
  }
  if (!found) {
    return Fail(ErrorCode::kNotFound, "the token is not there: '" + uri.token + "'");
  }
  return *found;
}

}  // namespace

struct Pkcs11Token::State {
  CK_FUNCTION_LIST* f = nullptr;
  CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
  std::string description;
  Wrapping wrapping = Wrapping::kGcm;
  mutable std::mutex mutex;  // one call at a time on the session

  ~State() {
    if (session != CK_INVALID_HANDLE) {
      (void)f->C_CloseSession(session);  // ends the login with it, when it is the last
    }
  }

  Result<std::vector<CK_OBJECT_HANDLE>> Find(CK_ATTRIBUTE* attributes, CK_ULONG count) {
    if (const CK_RV rv = f->C_FindObjectsInit(session, attributes, count); rv != CKR_OK) {
      return FailPkcs11("C_FindObjectsInit", rv);
    }
    std::vector<CK_OBJECT_HANDLE> all;
    CK_RV rv = CKR_OK;
    for (;;) {
      std::array<CK_OBJECT_HANDLE, 32> some{};
      CK_ULONG found = 0;
      rv = f->C_FindObjects(session, some.data(), some.size(), &found);
      if (rv != CKR_OK || found == 0) {
        break;
      }
      all.insert(all.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(found));
    }
    (void)f->C_FindObjectsFinal(session);
    if (rv != CKR_OK) {
      return FailPkcs11("C_FindObjects", rv);
    }
    return all;
  }

  Result<std::vector<CK_OBJECT_HANDLE>> FindKeys(const std::string& label) {
    std::array attributes = {
        CK_ATTRIBUTE{CKA_CLASS, &secret_key_class, sizeof(secret_key_class)},
        CK_ATTRIBUTE{CKA_TOKEN, &true_value, sizeof(true_value)},
        TextAttribute(CKA_LABEL, label),
    };
    return Find(attributes.data(), attributes.size());
  }
  Result<CK_OBJECT_HANDLE> FindKey(const std::string& label) {
    Result<std::vector<CK_OBJECT_HANDLE>> found = FindKeys(label);
    if (!found) {
      return std::unexpected(found.error());
    }
    if (found->empty()) {
      return Fail(ErrorCode::kNotFound, "the token has no key of this label", label);
    }
    if (found->size() > 1) {
      return Fail(ErrorCode::kIntegrityFailure, "the token has several keys of one label", label);
    }
    return found->front();
  }
  Result<std::vector<CK_OBJECT_HANDLE>> FindAnchors(const std::string& label) {
    std::array attributes = {
        CK_ATTRIBUTE{CKA_CLASS, &data_class, sizeof(data_class)},
        CK_ATTRIBUTE{CKA_TOKEN, &true_value, sizeof(true_value)},
        TextAttribute(CKA_LABEL, label),
    };
    return Find(attributes.data(), attributes.size());
  }

  Result<Bytes> Read(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, std::size_t limit) {
    CK_ATTRIBUTE attribute{type, nullptr, 0};
    if (const CK_RV rv = f->C_GetAttributeValue(session, object, &attribute, 1); rv != CKR_OK) {
      return FailPkcs11("C_GetAttributeValue", rv);
    }
    if (attribute.ulValueLen > limit) {
      return Fail(ErrorCode::kIntegrityFailure, "an attribute in the token is too long");
    }
    Bytes value(attribute.ulValueLen);
    attribute.pValue = value.data();
    if (const CK_RV rv = f->C_GetAttributeValue(session, object, &attribute, 1); rv != CKR_OK) {
      return FailPkcs11("C_GetAttributeValue", rv);
    }
    value.resize(attribute.ulValueLen);
    return value;
  }

  Result<Bytes> WrapGcm(CK_OBJECT_HANDLE kek, KeyView key, ByteView context);
  Result<Key> UnwrapGcm(CK_OBJECT_HANDLE kek, ByteView wrapped, ByteView context);
  Result<Bytes> WrapObject(CK_OBJECT_HANDLE kek, CK_MECHANISM_TYPE mechanism, KeyView key);
  Result<Key> UnwrapObject(CK_OBJECT_HANDLE kek, CK_MECHANISM_TYPE mechanism, ByteView wrapped);
  Result<void> ChooseWrapping(CK_SLOT_ID slot, Wrapping wanted);
};

Result<Bytes> Pkcs11Token::State::WrapGcm(CK_OBJECT_HANDLE kek, KeyView key, ByteView context) {
  std::array<std::byte, kIvSize> iv{};
  crypto::FillRandom(iv);
  CK_GCM_PARAMS parameters{};
  parameters.pIv = Raw(iv);
  parameters.ulIvLen = iv.size();
  parameters.ulIvBits = iv.size() * 8;
  parameters.pAAD = Raw(context);
  parameters.ulAADLen = context.size();
  parameters.ulTagBits = 128;
  CK_MECHANISM mechanism{CKM_AES_GCM, &parameters, sizeof(parameters)};
  if (const CK_RV rv = f->C_EncryptInit(session, &mechanism, kek); rv != CKR_OK) {
    return FailPkcs11("C_EncryptInit", rv);
  }
  Bytes out(kKeySize + 16);
  CK_ULONG size = out.size();
  if (const CK_RV rv = f->C_Encrypt(session, Raw(key.RevealKey()), kKeySize,
                                    reinterpret_cast<CK_BYTE*>(out.data()), &size);
      rv != CKR_OK || size != out.size()) {
    return FailPkcs11("C_Encrypt", rv);
  }
  Bytes wrapped = {kWrappedByGcm};
  Put(wrapped, iv);
  Put(wrapped, out);
  return wrapped;
}

Result<Key> Pkcs11Token::State::UnwrapGcm(CK_OBJECT_HANDLE kek, ByteView wrapped,
                                          ByteView context) {
  if (wrapped.size() != kIvSize + kKeySize + 16) {
    return Fail(ErrorCode::kIntegrityFailure, "a wrapped key of the wrong size");
  }
  const ByteView iv = wrapped.first(kIvSize);
  const ByteView sealed = wrapped.subspan(kIvSize);
  CK_GCM_PARAMS parameters{};
  parameters.pIv = Raw(iv);
  parameters.ulIvLen = iv.size();
  parameters.ulIvBits = iv.size() * 8;
  parameters.pAAD = Raw(context);
  parameters.ulAADLen = context.size();
  parameters.ulTagBits = 128;
  CK_MECHANISM mechanism{CKM_AES_GCM, &parameters, sizeof(parameters)};
  if (const CK_RV rv = f->C_DecryptInit(session, &mechanism, kek); rv != CKR_OK) {
    return FailPkcs11("C_DecryptInit", rv);
  }
  // Some libraries ask for room for the whole input.
  Result<SecretBuffer> out = SecretBuffer::Allocate(kMaxWrapped);
  if (!out) {
    return std::unexpected(out.error());
  }
  CK_ULONG size = out->size();
  if (const CK_RV rv = f->C_Decrypt(session, Raw(sealed), sealed.size(),
                                    reinterpret_cast<CK_BYTE*>(out->mutable_bytes().data()), &size);
      rv != CKR_OK || size != kKeySize) {
    // Libraries differ in what they return where the tag does not fit: all of it is taken as that.
    return Fail(ErrorCode::kIntegrityFailure, "a wrapped key does not open with this token's key",
                FailPkcs11("C_Decrypt", rv).error().detail);
  }
  return Key::TakeFrom(out->mutable_bytes().first(kKeySize));
}

Result<Bytes> Pkcs11Token::State::WrapObject(CK_OBJECT_HANDLE kek, CK_MECHANISM_TYPE mechanism,
                                             KeyView key) {
  // The key must stand in the token to be wrapped: a session object, gone with the call.
  std::array attributes = {
      CK_ATTRIBUTE{CKA_CLASS, &secret_key_class, sizeof(secret_key_class)},
      CK_ATTRIBUTE{CKA_KEY_TYPE, &generic_type, sizeof(generic_type)},
      CK_ATTRIBUTE{CKA_TOKEN, &false_value, sizeof(false_value)},
      CK_ATTRIBUTE{CKA_EXTRACTABLE, &true_value, sizeof(true_value)},
      CK_ATTRIBUTE{CKA_VALUE, Raw(key.RevealKey()), kKeySize},
  };
  CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
  if (const CK_RV rv = f->C_CreateObject(session, attributes.data(), attributes.size(), &object);
      rv != CKR_OK) {
    return FailPkcs11("C_CreateObject", rv);
  }
  CK_MECHANISM how{mechanism, nullptr, 0};
  Bytes out(kMaxWrapped);
  CK_ULONG size = out.size();
  const CK_RV rv =
      f->C_WrapKey(session, &how, kek, object, reinterpret_cast<CK_BYTE*>(out.data()), &size);
  (void)f->C_DestroyObject(session, object);
  if (rv != CKR_OK) {
    return FailPkcs11("C_WrapKey", rv);
  }
  out.resize(size);
  Bytes wrapped = {mechanism == CKM_AES_KEY_WRAP_PAD ? kWrappedByKeyWrapPad : kWrappedByKeyWrap};
  Put(wrapped, out);
  return wrapped;
}

Result<Key> Pkcs11Token::State::UnwrapObject(CK_OBJECT_HANDLE kek, CK_MECHANISM_TYPE mechanism,
                                             ByteView wrapped) {
  std::array attributes = {
      CK_ATTRIBUTE{CKA_CLASS, &secret_key_class, sizeof(secret_key_class)},
      CK_ATTRIBUTE{CKA_KEY_TYPE, &generic_type, sizeof(generic_type)},
      CK_ATTRIBUTE{CKA_TOKEN, &false_value, sizeof(false_value)},
      CK_ATTRIBUTE{CKA_SENSITIVE, &false_value, sizeof(false_value)},
      CK_ATTRIBUTE{CKA_EXTRACTABLE, &true_value, sizeof(true_value)},
  };
  CK_MECHANISM how{mechanism, nullptr, 0};
  CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
  if (const CK_RV rv = f->C_UnwrapKey(session, &how, kek, Raw(wrapped), wrapped.size(),
                                      attributes.data(), attributes.size(), &object);
      rv != CKR_OK) {
    return Fail(ErrorCode::kIntegrityFailure, "a wrapped key does not open with this token's key",
                FailPkcs11("C_UnwrapKey", rv).error().detail);
  }
  Result<Key> key = Key::Zeroed();
  if (!key) {
    (void)f->C_DestroyObject(session, object);
    return key;
  }
  CK_ATTRIBUTE value{CKA_VALUE, key->mutable_bytes().data(), kKeySize};
  const CK_RV rv = f->C_GetAttributeValue(session, object, &value, 1);
  (void)f->C_DestroyObject(session, object);
  if (rv != CKR_OK || value.ulValueLen != kKeySize) {
    return Fail(ErrorCode::kIntegrityFailure, "a wrapped key of the wrong size");
  }
  return key;
}

Result<void> Pkcs11Token::State::ChooseWrapping(CK_SLOT_ID slot, Wrapping wanted) {
  CK_ULONG count = 0;
  if (const CK_RV rv = f->C_GetMechanismList(slot, nullptr, &count); rv != CKR_OK) {
    return FailPkcs11("C_GetMechanismList", rv);
  }
  std::vector<CK_MECHANISM_TYPE> mechanisms(count);
  if (const CK_RV rv = f->C_GetMechanismList(slot, mechanisms.data(), &count); rv != CKR_OK) {
    return FailPkcs11("C_GetMechanismList", rv);
  }
  struct Choice {
    Wrapping wrapping;
    CK_MECHANISM_TYPE mechanism;
    const char* name;
  };
  constexpr std::array<Choice, 3> kChoices = {{
      {Wrapping::kGcm, CKM_AES_GCM, "AES-GCM"},
      {Wrapping::kKeyWrapPad, CKM_AES_KEY_WRAP_PAD, "AES key wrap with padding"},
      {Wrapping::kKeyWrap, CKM_AES_KEY_WRAP, "AES key wrap"},
  }};
  for (const Choice& choice : kChoices) {
    if ((wanted == Wrapping::kBest || wanted == choice.wrapping) &&
        std::ranges::find(mechanisms, choice.mechanism) != mechanisms.end()) {
      wrapping = choice.wrapping;
      description += std::string(", ") + choice.name;
      return {};
    }
  }
  return Fail(ErrorCode::kUnavailable, "the token can wrap neither by AES-GCM nor by AES key wrap");
}

Pkcs11Token::Pkcs11Token(std::unique_ptr<State> state) : state_(std::move(state)) {}
Pkcs11Token::~Pkcs11Token() = default;

Result<std::unique_ptr<Pkcs11Token>> Pkcs11Token::Initialize(const Options& options,
                                                             const SecretBuffer& pin) {
  Result<CK_FUNCTION_LIST*> functions = LoadPkcs11Module(options.module_path);
  if (!functions) {
    return std::unexpected(functions.error());
  }
  CK_FUNCTION_LIST* f = *functions;
  CK_TOKEN_INFO info{};
  if (FindToken(f, options.uri, info).has_value()) {
    return Fail(ErrorCode::kConflict, "there is a token of this label: " + options.uri.token);
  }
  Result<std::vector<CK_SLOT_ID>> slots = Slots(f);
  if (!slots) {
    return std::unexpected(slots.error());
  }
  const auto free = std::ranges::find_if(*slots, [f](CK_SLOT_ID slot) {
    CK_TOKEN_INFO candidate{};
    return f->C_GetTokenInfo(slot, &candidate) == CKR_OK &&
           (candidate.flags & CKF_TOKEN_INITIALIZED) == 0;
  });
  if (free == slots->end() || options.uri.token.size() > sizeof(info.label)) {
    return Fail(ErrorCode::kUnavailable, "the PKCS#11 library has no slot for a new token");
  }
  // The security officer could reset the user's PIN: nobody shall know this one.
  Result<Key> officer = Key::Random();
  if (!officer) {
    return std::unexpected(officer.error());
  }
  for (std::byte& letter : officer->mutable_bytes()) {
    letter = static_cast<std::byte>('A' + (std::to_integer<int>(letter) & 15));
  }
  CK_BYTE* officer_pin = Raw(officer->view().RevealKey());
  std::string label = options.uri.token;
  label.resize(sizeof(info.label), ' ');
  if (const CK_RV rv = f->C_InitToken(*free, officer_pin, kKeySize,
                                      reinterpret_cast<CK_UTF8CHAR*>(label.data()));
      rv != CKR_OK) {
    return FailPkcs11("C_InitToken", rv);
  }
  Result<CK_SLOT_ID> slot = FindToken(f, options.uri, info);
  if (!slot) {
    return std::unexpected(slot.error());
  }
  CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
  if (const CK_RV rv =
          f->C_OpenSession(*slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr, &session);
      rv != CKR_OK) {
    return FailPkcs11("C_OpenSession", rv);
  }
  CK_RV rv = f->C_Login(session, CKU_SO, officer_pin, kKeySize);
  if (rv == CKR_OK) {
    rv = f->C_InitPIN(session, Raw(pin.RevealBytes()), pin.size());
    (void)f->C_Logout(session);
  }
  (void)f->C_CloseSession(session);
  if (rv != CKR_OK) {
    return FailPkcs11("C_InitPIN", rv);
  }
  return Open(options, pin);
}

Result<std::unique_ptr<Pkcs11Token>> Pkcs11Token::Open(const Options& options,
                                                       const SecretBuffer& pin) {
  Result<CK_FUNCTION_LIST*> functions = LoadPkcs11Module(options.module_path);
  if (!functions) {
    return std::unexpected(functions.error());
  }
  auto state = std::make_unique<State>();
  state->f = *functions;
  CK_TOKEN_INFO info{};
  Result<CK_SLOT_ID> slot = FindToken(state->f, options.uri, info);
  if (!slot) {
    return std::unexpected(slot.error());
  }
  state->description = Trimmed(info.label, sizeof(info.label)) + " (" +
                       Trimmed(info.manufacturerID, sizeof(info.manufacturerID)) + " " +
                       Trimmed(info.model, sizeof(info.model)) + ", " +
                       options.module_path.filename().string() + ")";
  if (const CK_RV rv = state->f->C_OpenSession(*slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr,
                                               nullptr, &state->session);
      rv != CKR_OK) {
    return FailPkcs11("C_OpenSession", rv);
  }
  if (const CK_RV rv =
          state->f->C_Login(state->session, CKU_USER, Raw(pin.RevealBytes()), pin.size());
      rv != CKR_OK && rv != CKR_USER_ALREADY_LOGGED_IN) {
    return FailPkcs11("C_Login", rv);
  }
  if (Result<void> chosen = state->ChooseWrapping(*slot, options.wrapping); !chosen) {
    return std::unexpected(chosen.error());
  }
  return std::unique_ptr<Pkcs11Token>(new Pkcs11Token(std::move(state)));
}

std::string Pkcs11Token::Describe() const { return state_->description; }

Result<void> Pkcs11Token::CreateKey(const std::string& label) {
  const std::lock_guard lock(state_->mutex);
  Result<std::vector<CK_OBJECT_HANDLE>> found = state_->FindKeys(label);
  if (!found) {
    return std::unexpected(found.error());
  }
  if (!found->empty()) {
    return Fail(ErrorCode::kConflict, "the token has a key of this label", label);
  }
  CK_ULONG size = kKeySize;
  std::array attributes = {
      CK_ATTRIBUTE{CKA_CLASS, &secret_key_class, sizeof(secret_key_class)},
      CK_ATTRIBUTE{CKA_KEY_TYPE, &aes_type, sizeof(aes_type)},
      CK_ATTRIBUTE{CKA_TOKEN, &true_value, sizeof(true_value)},
      CK_ATTRIBUTE{CKA_PRIVATE, &true_value, sizeof(true_value)},
      CK_ATTRIBUTE{CKA_SENSITIVE, &true_value, sizeof(true_value)},
      CK_ATTRIBUTE{CKA_EXTRACTABLE, &false_value, sizeof(false_value)},
      CK_ATTRIBUTE{CKA_ENCRYPT, &true_value, sizeof(true_value)},
      CK_ATTRIBUTE{CKA_DECRYPT, &true_value, sizeof(true_value)},
      CK_ATTRIBUTE{CKA_WRAP, &true_value, sizeof(true_value)},
      CK_ATTRIBUTE{CKA_UNWRAP, &true_value, sizeof(true_value)},
      CK_ATTRIBUTE{CKA_VALUE_LEN, &size, sizeof(size)},
      TextAttribute(CKA_LABEL, label),
  };
  CK_MECHANISM mechanism{CKM_AES_KEY_GEN, nullptr, 0};
  CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
  if (const CK_RV rv = state_->f->C_GenerateKey(state_->session, &mechanism, attributes.data(),
                                                attributes.size(), &key);
      rv != CKR_OK) {
    return FailPkcs11("C_GenerateKey", rv);
  }
  return {};
}

Result<Bytes> Pkcs11Token::Wrap(const std::string& label, KeyView key, ByteView context) {
  const std::lock_guard lock(state_->mutex);
  Result<CK_OBJECT_HANDLE> kek = state_->FindKey(label);
  if (!kek) {
    return std::unexpected(kek.error());
  }
  switch (state_->wrapping) {
    case Wrapping::kKeyWrapPad:
      return state_->WrapObject(*kek, CKM_AES_KEY_WRAP_PAD, key);
    case Wrapping::kKeyWrap:
      return state_->WrapObject(*kek, CKM_AES_KEY_WRAP, key);
    default:
      return state_->WrapGcm(*kek, key, context);
  }
}

Result<Key> Pkcs11Token::Unwrap(const std::string& label, ByteView wrapped, ByteView context) {
  const std::lock_guard lock(state_->mutex);
  Result<CK_OBJECT_HANDLE> kek = state_->FindKey(label);
  if (!kek) {
    return std::unexpected(kek.error());
  }
  if (wrapped.empty() || wrapped.size() > kMaxWrapped) {
    return Fail(ErrorCode::kIntegrityFailure, "a wrapped key of the wrong size");
  }
  const std::byte how = wrapped.front();
  const ByteView rest = wrapped.subspan(1);
  if (how == kWrappedByGcm) {
    return state_->UnwrapGcm(*kek, rest, context);
  }
  if (how == kWrappedByKeyWrapPad) {
    return state_->UnwrapObject(*kek, CKM_AES_KEY_WRAP_PAD, rest);
  }
  if (how == kWrappedByKeyWrap) {
    return state_->UnwrapObject(*kek, CKM_AES_KEY_WRAP, rest);
  }
  return Fail(ErrorCode::kIntegrityFailure, "a wrapped key of an unknown form");
}

Result<void> Pkcs11Token::DestroyKey(const std::string& label) {
  const std::lock_guard lock(state_->mutex);
  Result<CK_OBJECT_HANDLE> key = state_->FindKey(label);
  if (!key) {
    return std::unexpected(key.error());
  }
  if (const CK_RV rv = state_->f->C_DestroyObject(state_->session, *key); rv != CKR_OK) {
    return FailPkcs11("C_DestroyObject", rv);
  }
  Result<std::vector<CK_OBJECT_HANDLE>> left = state_->FindKeys(label);
  if (!left) {
    return std::unexpected(left.error());
  }
  if (!left->empty()) {
    return Fail(ErrorCode::kIntegrityFailure,
                "the token says that it destroyed a key, and still has it", label);
  }
  return {};
}

Result<bool> Pkcs11Token::HasKey(const std::string& label) {
  const std::lock_guard lock(state_->mutex);
  Result<std::vector<CK_OBJECT_HANDLE>> found = state_->FindKeys(label);
  if (!found) {
    return std::unexpected(found.error());
  }
  return !found->empty();
}

Result<std::vector<std::string>> Pkcs11Token::ListKeys(std::string_view prefix) {
  const std::lock_guard lock(state_->mutex);
  std::array attributes = {
      CK_ATTRIBUTE{CKA_CLASS, &secret_key_class, sizeof(secret_key_class)},
      CK_ATTRIBUTE{CKA_TOKEN, &true_value, sizeof(true_value)},
  };
  Result<std::vector<CK_OBJECT_HANDLE>> found = state_->Find(attributes.data(), attributes.size());
  if (!found) {
    return std::unexpected(found.error());
  }
  std::vector<std::string> labels;
  for (const CK_OBJECT_HANDLE key : *found) {
    Result<Bytes> label = state_->Read(key, CKA_LABEL, 4096);
    if (!label) {
      return std::unexpected(label.error());
    }
    if (AsText(*label).starts_with(prefix)) {
      labels.emplace_back(AsText(*label));
    }
  }
  return labels;
}

Result<void> Pkcs11Token::PutAnchor(const std::string& label, ByteView value) {
  if (value.size() > kMaxAnchor) {
    return Fail(ErrorCode::kTooLarge, "an anchor over 1024 bytes");
  }
  const std::lock_guard lock(state_->mutex);
  Result<std::vector<CK_OBJECT_HANDLE>> old = state_->FindAnchors(label);
  if (!old) {
    return std::unexpected(old.error());
  }
  // The new one first: a crash between leaves both, and the reader takes the greater.
  std::array attributes = {
      CK_ATTRIBUTE{CKA_CLASS, &data_class, sizeof(data_class)},
      CK_ATTRIBUTE{CKA_TOKEN, &true_value, sizeof(true_value)},
      CK_ATTRIBUTE{CKA_PRIVATE, &true_value, sizeof(true_value)},
      TextAttribute(CKA_LABEL, label),
      CK_ATTRIBUTE{CKA_VALUE, Raw(value), value.size()},
  };
  CK_OBJECT_HANDLE made = CK_INVALID_HANDLE;
  if (const CK_RV rv =
          state_->f->C_CreateObject(state_->session, attributes.data(), attributes.size(), &made);
      rv != CKR_OK) {
    return FailPkcs11("C_CreateObject", rv);
  }
  for (const CK_OBJECT_HANDLE handle : *old) {
    if (const CK_RV rv = state_->f->C_DestroyObject(state_->session, handle); rv != CKR_OK) {
      return FailPkcs11("C_DestroyObject", rv);
    }
  }
  return {};
}

Result<std::optional<Bytes>> Pkcs11Token::GetAnchor(const std::string& label) {
  const std::lock_guard lock(state_->mutex);
  Result<std::vector<CK_OBJECT_HANDLE>> found = state_->FindAnchors(label);
  if (!found) {
    return std::unexpected(found.error());
  }
  std::optional<Bytes> greatest;
  for (const CK_OBJECT_HANDLE handle : *found) {
    Result<Bytes> value = state_->Read(handle, CKA_VALUE, kMaxAnchor);
    if (!value) {
      return std::unexpected(value.error());
    }
    if (!greatest || *greatest < *value) {
      greatest = std::move(*value);
    }
  }
  return greatest;
}

Result<void> UseSoftHsmFolder(const std::filesystem::path& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder / "tokens", failed);
  if (failed) {
    return Fail(ErrorCode::kUnavailable, "cannot make the token's folder", failed.message());
  }
  std::filesystem::permissions(folder, std::filesystem::perms::owner_all, failed);
  const std::string text = "# Written by casemate at every start.\ndirectories.tokendir = " +
                           (folder / "tokens").string() +
                           "\nobjectstore.backend = file\nlog.level = ERROR\n";
  if (Result<void> written = WriteFileAtomically(folder / "softhsm2.conf", AsBytes(text));
      !written) {
    return written;
  }
  if (::setenv("SOFTHSM2_CONF", (folder / "softhsm2.conf").c_str(), 1) != 0) {
    return FailErrno("setenv SOFTHSM2_CONF");
  }
  return {};
}

}  // namespace casemate::custody
