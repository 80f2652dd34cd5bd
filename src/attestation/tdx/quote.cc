#include "attestation/tdx/quote.h"

#include <algorithm>

#include "attestation/little_endian.h"

namespace casemate::attestation::tdx {
namespace {

constexpr std::size_t kHeaderBytes = 48;
constexpr unsigned kEcdsaP256 = 2;
constexpr std::uint32_t kTeeSgx = 0;
constexpr std::uint32_t kTeeTdx = 0x81;
constexpr unsigned kPckChain = 5;           // certification data: PEM chain of the PCK
constexpr unsigned kQeReportCertified = 6;  // certification data: the QE's report and a chain below
// Intel's quoting enclaves: 939a7233-f79c-4ca9-940a-0db3957f0607.
constexpr std::string_view kQeVendor = "939a7233f79c4ca9940a0db3957f0607";

std::unexpected<Error> Bad(std::string message) {
  return Fail(ErrorCode::kInvalidArgument, std::move(message));
}

// Takes fields off the front; once something is missing everything is empty and `failure` says
// what.
class Taker {
 public:
  explicit Taker(ByteView rest) : rest_(rest) {}
  ByteView Take(std::size_t size, const char* what) {
    if (size > rest_.size()) {
      if (failure_.empty()) {
        failure_ = std::string("the quote ends inside ") + what + ": " +
                   std::to_string(rest_.size()) + " bytes are left, expected " +
                   std::to_string(size);
      }
      rest_ = {};
      return {};
    }
    const ByteView taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  std::size_t Number(std::size_t size, const char* what) {
    const ByteView bytes = Take(size, what);
    return bytes.empty() ? 0 : static_cast<std::size_t>(GetLittle(bytes, 0, size));
  }
  ByteView rest() const { return rest_; }
  const std::string& failure() const { return failure_; }

 private:
  ByteView rest_;
  std::string failure_;
};

EnclaveReport ReadEnclave(ByteView raw) {
  const auto part = [&](std::size_t at, std::size_t size) { return Copy(raw.subspan(at, size)); };
  return {.raw = Copy(raw),
          .cpu_svn = part(0, 16),
          .misc_select = part(16, 4),
          .attributes = part(48, 16),
          .mr_enclave = part(64, 32),
          .mr_signer = part(128, 32),
          .isv_prod_id = GetLittle16(raw, 256),
          .isv_svn = GetLittle16(raw, 258),
          .report_data = part(320, 64)};
}

TdReport ReadTd(ByteView raw) {
  const auto part = [&](std::size_t at, std::size_t size) { return Copy(raw.subspan(at, size)); };
  TdReport td;
  td.tee_tcb_svn = part(0, 16);
  td.mr_seam = part(16, 48);
  td.mr_signer_seam = part(64, 48);
  td.seam_attributes = part(112, 8);
  td.td_attributes = GetLittle64(raw, 120);
  td.xfam = part(128, 8);
  td.mr_td = part(136, 48);
  td.mr_config_id = part(184, 48);
  td.mr_owner = part(232, 48);
  td.mr_owner_config = part(280, 48);
  for (std::size_t i = 0; i < td.rtmr.size(); ++i) {
    td.rtmr[i] = part(328 + 48 * i, 48);
  }
  td.report_data = part(520, 64);
  if (raw.size() == kTd15Bytes) {
    td.tee_tcb_svn_2 = part(584, 16);
    td.mr_service_td = part(600, 48);
  }
  return td;
}

// Version, key type, TEE, reserved, vendor, user data. Returns the TEE.
Result<std::uint32_t> ReadHeader(ByteView header, Quote& quote) {
  quote.version = GetLittle16(header, 0);
  if (quote.version < 3 || quote.version > 5) {
    return Bad("version " + std::to_string(quote.version) + ", expected 3, 4 or 5");
  }
  if (const unsigned type = GetLittle16(header, 2); type != kEcdsaP256) {
    return Bad("attestation key type " + std::to_string(type) + ", expected 2 (ECDSA P-256)");
  }
  const std::uint32_t tee = GetLittle32(header, 4);
  if (tee != kTeeSgx && tee != kTeeTdx) {
    return Bad("TEE type " + std::to_string(tee) + ", expected 0 (SGX) or 0x81 (TDX)");
  }
  if (quote.version == 3 && tee != kTeeSgx) {
    return Bad("a quote of version 3 is SGX's");
  }
  if (quote.version >= 4 && !AllZero(header.subspan(8, 4))) {
    return Bad("bytes 8 to 11 must be zero");
  }
  if (ToHex(header.subspan(12, 16)) != kQeVendor) {
    return Bad("the quoting enclave's vendor is not Intel: " + ToHex(header.subspan(12, 16)));
  }
  quote.user_data = Copy(header.subspan(28, 20));
  return tee;
}

Result<void> ReadBody(Taker& taker, std::uint32_t tee, Quote& quote) {
  std::size_t size = tee == kTeeSgx ? kEnclaveReportBytes : kTd10Bytes;
  if (quote.version == 5) {
    const std::size_t type = taker.Number(2, "the body's descriptor");
    size = taker.Number(4, "the body's descriptor");
    const bool fits = (type == 1 && tee == kTeeSgx && size == kEnclaveReportBytes) ||
                      (type == 2 && tee == kTeeTdx && size == kTd10Bytes) ||
                      (type == 3 && tee == kTeeTdx && size == kTd15Bytes);
    if (!fits) {
      return Bad("body type " + std::to_string(type) + " of " + std::to_string(size) +
                 " bytes does not fit the TEE type");
    }
  }
  const ByteView body = taker.Take(size, "the body");
  if (body.empty()) {
    return Bad(taker.failure());
  }
  if (tee == kTeeSgx) {
    quote.enclave = ReadEnclave(body);
  } else {
    quote.td = ReadTd(body);
  }
  return {};
}

// The QE's report, its signature, authentication data, and the PCK's chain.
Result<void> ReadCertification(Taker& taker, Quote& quote) {
  const ByteView qe = taker.Take(kEnclaveReportBytes, "the quoting enclave's report");
  const ByteView qe_signature = taker.Take(64, "the signature of the quoting enclave's report");
  const std::size_t auth_size = taker.Number(2, "the authentication data's size");
  const ByteView auth = taker.Take(auth_size, "the authentication data");
  const std::size_t type = taker.Number(2, "the certification data's type");
  const std::size_t size = taker.Number(4, "the certification data's size");
  const ByteView chain = taker.Take(size, "the certification data");
  if (!taker.failure().empty()) {
    return Bad(taker.failure());
  }
  if (type != kPckChain) {
    return Bad("certification data of type " + std::to_string(type) +
               ", expected 5 (the PCK's chain in PEM)");
  }
  quote.qe = ReadEnclave(qe);
  quote.qe_signature = Copy(qe_signature);
  quote.qe_auth_data = Copy(auth);
  quote.pck_chain = std::string(AsText(chain));
  return {};
}

}  // namespace

Result<Quote> ParseQuote(ByteView raw) {
  Quote quote;
  Taker taker(raw);
  const ByteView header = taker.Take(kHeaderBytes, "the header");
  if (header.empty()) {
    return Bad(taker.failure());
  }
  Result<std::uint32_t> tee = ReadHeader(header, quote);
  if (!tee) {
    return std::unexpected(tee.error());
  }
  if (Result<void> body = ReadBody(taker, *tee, quote); !body) {
    return std::unexpected(body.error());
  }
  quote.signed_part = Copy(raw.first(raw.size() - taker.rest().size()));
  const std::size_t size = taker.Number(4, "the size of the signature data");
  Taker data(taker.Take(size, "the signature data"));
  if (!taker.failure().empty()) {
    return Bad(taker.failure());
  }
  quote.signature = Copy(data.Take(64, "the signature"));
  quote.attestation_key = Copy(data.Take(64, "the attestation key"));
  if (quote.version >= 4) {
    const std::size_t type = data.Number(2, "the certification data's type");
    const std::size_t outer = data.Number(4, "the certification data's size");
    if (!data.failure().empty()) {
      return Bad(data.failure());
    }
    if (type != kQeReportCertified || outer != data.rest().size()) {
      return Bad("certification data of type " + std::to_string(type) + " and " +
                 std::to_string(outer) + " bytes, expected type 6 and " +
                 std::to_string(data.rest().size()));
    }
  }
  if (Result<void> read = ReadCertification(data, quote); !read) {
    return std::unexpected(read.error());
  }
  if (!data.rest().empty()) {
    return Bad(std::to_string(data.rest().size()) + " bytes behind the certification data");
  }
  (AllZero(taker.rest()) ? quote.padding : quote.trailing) = taker.rest().size();
  return quote;
}

}  // namespace casemate::attestation::tdx
