#include "app/doctor_checks.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <array>

#include "audit/verify/checkpoint.h"
#include "audit/verify/note.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/file.h"
#include "crypto/certificate.h"
#include "crypto/certificate_facts.h"

namespace casemate::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxSmallFile = std::size_t{64} * 1024;
constexpr std::uint64_t kLittleDisk = 1ULL << 30;  // bytes
constexpr std::uint64_t kNoDisk = 64ULL << 20;
constexpr std::int64_t kDay = 86'400;

Result<std::string> ReadSmall(const fs::path& path) {
  Result<Bytes> content = ReadFile(path, kMaxSmallFile);
  return content ? Result<std::string>(std::string(AsText(*content)))
                 : std::unexpected(content.error());
}

// A SoftHSM2 token is files: what protects its PIN is all that protects it.
Finding CheckPin(const fs::path& deployment, const config::DeploymentConfig& settings) {
  std::error_code ignored;
  if (settings.custody.pin_source == config::PinSource::kInsecureFile) {
    return {"PIN", Severity::kFail, "the PIN lies beside the token",
            "a stolen disk opens everything",
            "make the deployment anew without --insecure-pin-file"};
  }
  const std::string found =
      "from " + std::string(config::PinSourceName(settings.custody.pin_source));
  if (fs::exists(deployment / "custodian" / "pin.insecure", ignored)) {
    return {"PIN", Severity::kFail, found + ", and custodian/pin.insecure is there as well",
            "a stolen disk opens everything",
            "shred -u " + (deployment / "custodian" / "pin.insecure").string()};
  }
  if (settings.custody.token.empty()) {
    return {"token", Severity::kNote, "SoftHSM2, with files in custodian/token; PIN " + found,
            "an old copy of those files, with the passphrase, brings erased keys back",
            "custody.token = \"pkcs11:...\" of an HSM"};
  }
  return {"token", Severity::kOk, "a token outside of the deployment; PIN " + found, "", ""};
}

Finding CheckMirror(const fs::path& deployment, const config::DeploymentConfig& settings) {
  const std::string& mirror = settings.custody.mirror;
  const std::string remedy = "custody.mirror = \"/path/on/another/disk\" in config.toml";
  if (mirror.empty()) {
    return {"mirror", Severity::kWarn, "no mirror is set", "erasing is refused without one",
            remedy};
  }
  if (mirror == "none") {
    return {"mirror", Severity::kWarn, "there is no mirror, accepted",
            "after an erasure a lost disk loses everything", remedy};
  }
  struct stat here{};
  struct stat there{};
  if (::stat(mirror.c_str(), &there) != 0) {
    return {"mirror", Severity::kFail, mirror + " cannot be reached",
            "the server does not start without it", "mount " + mirror};
  }
  if (::stat(deployment.c_str(), &here) == 0 && here.st_dev == there.st_dev) {
    return {"mirror", Severity::kWarn, mirror + " is on the deployment's own disk",
            "one lost disk takes both copies of the key tree", "put it on another disk"};
  }
  return {"mirror", Severity::kOk, mirror, "", ""};
}

// The folder, and what in it is nobody else's.
Finding CheckPermissions(const fs::path& deployment) {
  constexpr std::array<const char*, 4> kPrivate = {"", "custodian", "tenants", "run"};
  for (const char* name : kPrivate) {
    const fs::path path = *name == '\0' ? deployment : deployment / name;
    struct stat facts{};
    if (::stat(path.c_str(), &facts) != 0) {
      continue;  // tenants/ and run/ come with the first start
    }
    if ((facts.st_mode & 077) != 0) {
      return {"permissions", Severity::kWarn, path.string() + " is open to other users",
              "they see sealed files, sockets and sizes", "chmod 700 " + path.string()};
    }
  }
  return {"permissions", Severity::kOk, "the folders are their owner's alone", "", ""};
}

Finding CheckDisk(const fs::path& deployment) {
  struct statvfs facts{};
  if (::statvfs(deployment.c_str(), &facts) != 0) {
    return {"disk", Severity::kFail, deployment.string() + " cannot be read", "", ""};
  }
  const std::uint64_t free = std::uint64_t{facts.f_bavail} * facts.f_frsize;
  const std::string found = std::to_string(free >> 20) + " MiB free";
  if (free >= kLittleDisk) {
    return {"disk", Severity::kOk, found, "", ""};
  }
  return {"disk", free < kNoDisk ? Severity::kFail : Severity::kWarn, found,
          "no log entry, no key: when the disk is full every request is refused",
          "df -h " + deployment.string()};
}

Finding CheckAuthority(const fs::path& deployment, std::int64_t unix_now) {
  Result<std::string> pem = ReadSmall(deployment / "tls" / "ca.pem");
  Result<Bytes> der =
      pem ? crypto::CertificateFromPem(*pem) : Result<Bytes>(std::unexpected(pem.error()));
  Result<crypto::CertificateFacts> facts =
      der ? crypto::ReadCertificate(*der)
          : Result<crypto::CertificateFacts>(std::unexpected(der.error()));
  if (!facts) {
    return {"certificate", Severity::kFail, "tls/ca.pem: " + facts.error().message,
            "clients cannot tell this server from another", "restore it from a backup"};
  }
  const std::int64_t days = (facts->not_after - unix_now) / kDay;
  const std::string found = "the authority ends in " + std::to_string(days) + " days (" +
                            FormatUtc(facts->not_after) + ")";
  if (days < 0) {
    return {"certificate", Severity::kFail, found, "every client refuses to connect",
            "make a new deployment's authority known to the clients"};
  }
  return days < 90
             ? Finding{"certificate", Severity::kWarn, found,
                       "every client refuses to connect from then on",
                       "plan a new authority with the clients"}
             : Finding{"certificate", Severity::kOk,
                       found + "; the server's own is renewed under it 30 days ahead", "", ""};
}

Finding CheckLog(const fs::path& deployment) {
  const fs::path folder = deployment / "audit";
  const std::string verify = "casemate audit verify --dir " + deployment.string();
  Result<std::string> note = ReadSmall(folder / "checkpoint");
  Result<std::string> keys = ReadSmall(folder / "log.vkey");
  if (!note || !keys) {
    return {"log", Severity::kFail, (note ? keys : note).error().message,
            "without checkpoint and keys nobody can tell whether the log was changed", verify};
  }
  Result<std::vector<audit::VerifierKey>> parsed = audit::ParseVerifierKeys(*keys);
  Result<audit::Checkpoint> checkpoint =
      parsed ? audit::OpenCheckpoint(*note, *parsed)
             : Result<audit::Checkpoint>(std::unexpected(parsed.error()));
  if (!checkpoint) {
    return {"log", Severity::kFail, "the checkpoint does not verify: " + checkpoint.error().message,
            "the log was changed, or belongs to another deployment", verify};
  }
  return {"log", Severity::kOk,
          "signed checkpoint over " + std::to_string(checkpoint->size) + " entries", "", ""};
}

Finding CheckTls(const config::DeploymentConfig& settings) {
  constexpr const char* kWhy =
      "what such clients send and get can be recorded today and read with a quantum computer; "
      "their "
      "answers' receipts say so";
  if (settings.tls.minimum == config::TlsMinimum::kClassical) {
    return {"TLS", Severity::kWarn,
            "tls.minimum is \"classical\": every client may come without "
            "ML-KEM",
            kWhy,
            "tls.minimum = \"hybrid\" in config.toml, tls.classical_from for the few that cannot, "
            "casemate connect on their machines"};
  }
  if (!settings.tls.classical_from.empty()) {
    std::string peers;
    for (const std::string& peer : settings.tls.classical_from) {
      peers += (peers.empty() ? "" : ", ") + peer;
    }
    return {"TLS", Severity::kWarn, "held to a classical key exchange only: " + peers, kWhy,
            "casemate connect on those machines, then take them out of tls.classical_from"};
  }
  return {"TLS", Severity::kOk, "hybrid key exchange is required of every client", "", ""};
}

}  // namespace

std::string_view SeverityName(Severity severity) {
  switch (severity) {
    case Severity::kOk:
      return "ok";
    case Severity::kNote:
      return "note";
    case Severity::kWarn:
      return "warn";
    case Severity::kFail:
      return "fail";
  }
  return "fail";
}

std::vector<Finding> CheckDeployment(const fs::path& deployment,
                                     const config::DeploymentConfig& settings,
                                     std::int64_t unix_now) {
  return {CheckPin(deployment, settings),
          CheckMirror(deployment, settings),
          CheckPermissions(deployment),
          CheckDisk(deployment),
          CheckAuthority(deployment, unix_now),
          CheckLog(deployment),
          CheckTls(settings)};
}

}  // namespace casemate::app
