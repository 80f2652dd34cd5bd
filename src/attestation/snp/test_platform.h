#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "attestation/context.h"
#include "attestation/sample_test.h"
#include "attestation/snp/report.h"
#include "crypto/test_authority.h"

namespace casemate::attestation::snp {

// AMD keys of a test: a chip of any product and TCB.
struct TestPlatform {
  std::string family;
  bool vlek = false;
  TcbVersion tcb{.fmc = 1, .bootloader = 2, .tee = 3, .snp = 4, .microcode = 100};
  Bytes hardware_id = Bytes(64, std::byte{0x5A});
  crypto::TestKey root_key = crypto::TestKey::Rsa();
  crypto::TestKey ask_key = crypto::TestKey::Rsa();
  crypto::TestKey chip_key = crypto::TestKey::Ec(crypto::EcCurve::kP384);

  static crypto::TestExtension Number(const std::string& suffix, unsigned value) {
    Bytes der = {std::byte{2}, std::byte{1}, static_cast<std::byte>(value)};
    if (value >= 128) {
      der = {std::byte{2}, std::byte{2}, std::byte{0}, static_cast<std::byte>(value)};
    }
    return {.oid = "1.3.6.1.4.1.3704.1" + suffix, .content = der};
  }

  Context Trusting() const {
    const std::string ask = vlek ? "SEV-VLEK-Test" : "SEV-Test";
    std::vector<crypto::TestExtension> extensions = {
        Number(".3.1", tcb.bootloader), Number(".3.2", tcb.tee), Number(".3.3", tcb.snp),
        Number(".3.8", tcb.microcode)};
    Bytes name = {std::byte{0x16}, static_cast<std::byte>(family.size())};
    Put(name, AsBytes(family));
    extensions.push_back({.oid = "1.3.6.1.4.1.3704.1.2", .content = name});
    if (family == "Turin") {
      extensions.push_back(Number(".3.9", tcb.fmc));
    }
    if (vlek) {
      Bytes csp = {std::byte{0x16}, std::byte{4}};
      Put(csp, AsBytes("CN=x"));
      extensions.push_back({.oid = "1.3.6.1.4.1.3704.1.5", .content = csp});
    } else {
      extensions.push_back({.oid = "1.3.6.1.4.1.3704.1.4", .content = hardware_id});
    }
    const auto issue = [&](const std::string& subject, bool authority, const crypto::TestKey& key,
                           const std::string& issuer, const crypto::TestKey& issuer_key,
                           std::vector<crypto::TestExtension> more = {}) {
      return crypto::X509Certificate::FromDer(
                 crypto::IssueTestCertificate({.common_name = subject,
                                               .authority = authority,
                                               .not_before = Day(2026, 1, 1),
                                               .not_after = Day(2027, 1, 1),
                                               .extensions = std::move(more)},
                                              key, issuer, issuer_key))
          .value();
    };
    Context context;
    context.time = Day(2026, 6, 1);
    context.roots = {issue("ARK-Test", true, root_key, "ARK-Test", root_key)};
    context.certificates = {issue(ask, true, ask_key, "ARK-Test", root_key),
                            issue("SEV-VCEK", false, chip_key, ask, ask_key, extensions)};
    return context;
  }

  // A signed report; `change` may alter it before the signature.
  Bytes Report(
      unsigned version, unsigned model,
      const std::function<void(Bytes&)>& change = [](Bytes&) {}) const {
    Bytes raw(kReportBytes);
    const bool turin = family == "Turin";
    raw[0] = static_cast<std::byte>(version);
    raw[0x0A] = std::byte{0x03};  // policy: SMT allowed, bit 17
    raw[0x34] = std::byte{1};
    raw[0x40] = std::byte{0x25};
    raw[0x48] = static_cast<std::byte>(vlek ? 4 : 0);
    raw[0x188] = static_cast<std::byte>(turin ? 0x1A : 0x19);
    raw[0x189] = static_cast<std::byte>(model);
    for (const std::size_t at : {0x38U, 0x180U, 0x1E0U, 0x1F0U}) {
      const std::size_t shift = turin ? 1 : 0;
      if (turin) {
        raw[at] = static_cast<std::byte>(tcb.fmc);
      }
      raw[at + shift] = static_cast<std::byte>(tcb.bootloader);
      raw[at + shift + 1] = static_cast<std::byte>(tcb.tee);
      raw[at + (turin ? 3 : 6)] = static_cast<std::byte>(tcb.snp);
      raw[at + 7] = static_cast<std::byte>(tcb.microcode);
    }
    if (!vlek) {
      std::ranges::copy(hardware_id, raw.begin() + 0x1A0);
    }
    change(raw);
    const Bytes signature = chip_key.Sign(crypto::EcCurve::kP384, crypto::HashAlgorithm::kSha384,
                                          ByteView(raw).first(kSignedBytes));
    std::copy(signature.rbegin() + 48, signature.rend(), raw.begin() + 0x2A0);
    std::copy(signature.rbegin(), signature.rbegin() + 48, raw.begin() + 0x2E8);
    return raw;
  }
};

}  // namespace casemate::attestation::snp
