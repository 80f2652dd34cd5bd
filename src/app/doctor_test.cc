#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <fstream>

#include "app/doctor_checks.h"
#include "base/file.h"
#include "crypto/certificate.h"

namespace casemate::app {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr std::int64_t kNow = 1'800'000'000;  // 2027-01-15

const Finding& Find(const std::vector<Finding>& findings, const std::string& check) {
  const auto found = std::ranges::find(findings, check, &Finding::check);
  EXPECT_NE(found, findings.end()) << check;
  return found == findings.end() ? findings.front() : *found;
}

class DoctorTest : public ::testing::Test {
 protected:
  DoctorTest() {
    std::string pattern = testing::TempDir() + "casemate-doctor-XXXXXX";
    base_ = ::mkdtemp(pattern.data());
    // A machine on which all is well.
    Write("root/proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n");
    Write("root/proc/sys/kernel/core_pattern", "core\n");
    Write("root/proc/sys/kernel/yama/ptrace_scope", "1\n");
    Write("root/proc/sys/kernel/osrelease", "6.12.0-amd64\n");
    Write("root/proc/cmdline", "quiet init_on_free=1\n");
    Write("root/proc/cpuinfo", "flags\t\t: fpu vme aes\n");
    machine_.root = base_ / "root";
    machine_.unix_now = kNow;
    machine_.memlock_bytes = 64U << 20;
    machine_.landlock_abi = 6;
    machine_.has_seccomp_filter = true;
    machine_.has_memfd_secret = true;
    machine_.clock_synchronised = true;
    fs::create_directories(deployment());
    fs::permissions(deployment(), fs::perms::owner_all);
  }
  ~DoctorTest() override { fs::remove_all(base_); }

  void Write(const std::string& name, std::string_view content) const {
    fs::create_directories((base_ / name).parent_path());
    std::ofstream(base_ / name) << content;
  }
  fs::path deployment() const { return base_ / "d"; }
  Finding Machine(const std::string& check) const { return Find(CheckMachine(machine_), check); }
  Finding Deployment(const std::string& check) const {
    return Find(CheckDeployment(deployment(), settings_, kNow), check);
  }

  fs::path base_;
  MachineView machine_;
  config::DeploymentConfig settings_;
};

TEST_F(DoctorTest, AGoodMachineHasNothingToDo) {
  for (const Finding& finding : CheckMachine(machine_)) {
    EXPECT_EQ(finding.severity, Severity::kOk) << finding.check << ": " << finding.found;
    EXPECT_EQ(finding.remedy, "");
  }
}

TEST_F(DoctorTest, EveryFindingThatIsNotWellSaysWhyAndWhatToDo) {
  Write("root/proc/swaps", "Filename\tType\n/dev/sda2 partition 1 0 -2\n");
  Write("root/proc/sys/kernel/core_pattern", "|/usr/lib/systemd/systemd-coredump\n");
  Write("root/proc/sys/kernel/yama/ptrace_scope", "0\n");
  Write("root/proc/sys/kernel/osrelease", "5.10.0\n");
  Write("root/proc/cmdline", "quiet\n");
  Write("root/proc/cpuinfo", "flags\t\t: fpu hypervisor aes\n");
  machine_.memlock_bytes = 64 * 1024;
  machine_.landlock_abi = -1;
  machine_.has_seccomp_filter = false;
  machine_.has_memfd_secret = false;
  machine_.clock_synchronised = false;
  for (const Finding& finding : CheckMachine(machine_)) {
    EXPECT_NE(finding.severity, Severity::kOk) << finding.check;
    EXPECT_NE(finding.why, "") << finding.check;
    EXPECT_NE(finding.remedy, "") << finding.check;
  }
}

TEST_F(DoctorTest, SwapOnADiskIsNamedAndCompressedMemoryIsNot) {
  Write("root/proc/swaps",
        "Filename\tType\n/dev/sda2 partition 1 0 -2\n/dev/zram0 partition 1 0\n");
  EXPECT_THAT(Machine("swap").found, HasSubstr("/dev/sda2"));
  EXPECT_EQ(Machine("swap").severity, Severity::kWarn);
  Write("root/proc/swaps", "Filename\tType\n/dev/zram0 partition 1 0 -2\n");
  EXPECT_EQ(Machine("swap").severity, Severity::kOk);
}

TEST_F(DoctorTest, AKernelThatIsTooOldFailsAndOneWithoutTcpRulesIsNoted) {
  Write("root/proc/sys/kernel/osrelease", "6.0.9\n");
  EXPECT_EQ(Machine("kernel").severity, Severity::kFail);
  Write("root/proc/sys/kernel/osrelease", "6.1.0-28-amd64\n");
  EXPECT_EQ(Machine("kernel").severity, Severity::kNote);
  Write("root/proc/sys/kernel/osrelease", "7.0.1\n");
  EXPECT_EQ(Machine("kernel").severity, Severity::kOk);
}

TEST_F(DoctorTest, AVirtualMachineIsNamed) {
  Write("root/proc/cpuinfo", "flags\t\t: fpu hypervisor\n");
  Write("root/sys/class/dmi/id/product_name", "Example Cloud\n");
  EXPECT_THAT(Machine("virtualisation").found, HasSubstr("Example Cloud"));
  EXPECT_THAT(Machine("virtualisation").why, HasSubstr("host can read"));
}

TEST_F(DoctorTest, AClockOfAnotherCenturyFails) {
  machine_.unix_now = 0;
  EXPECT_EQ(Machine("clock").severity, Severity::kFail);
}

TEST_F(DoctorTest, APinBesideItsTokenFails) {
  settings_.custody.pin_source = config::PinSource::kInsecureFile;
  EXPECT_THAT(Deployment("PIN").why, HasSubstr("stolen disk opens everything"));
  settings_.custody.pin_source = config::PinSource::kPassphrase;
  EXPECT_EQ(Deployment("token").severity, Severity::kNote);
  Write("d/custodian/pin.insecure", "1234");
  EXPECT_EQ(Deployment("PIN").severity, Severity::kFail);
}

TEST_F(DoctorTest, MirrorsThatAreMissingOrOnTheSameDiskAreNamed) {
  EXPECT_EQ(Deployment("mirror").severity, Severity::kWarn);
  settings_.custody.mirror = "none";
  EXPECT_EQ(Deployment("mirror").severity, Severity::kWarn);
  settings_.custody.mirror = "/nowhere/at/all";
  EXPECT_EQ(Deployment("mirror").severity, Severity::kFail);
  settings_.custody.mirror = base_.string();
  EXPECT_THAT(Deployment("mirror").found, HasSubstr("own disk"));
}

TEST_F(DoctorTest, AFolderThatOthersMayEnterIsNamed) {
  EXPECT_EQ(Deployment("permissions").severity, Severity::kOk);
  fs::create_directories(deployment() / "custodian");
  fs::permissions(deployment() / "custodian", fs::perms::all);
  EXPECT_THAT(Deployment("permissions").remedy, HasSubstr("chmod 700"));
}

TEST_F(DoctorTest, AnAuthorityThatEndsIsNamedInTime) {
  EXPECT_EQ(Deployment("certificate").severity, Severity::kFail);  // none
  const auto ca = crypto::MakeCertificateAuthority("test", std::chrono::days(3650));
  ASSERT_TRUE(ca.has_value());
  Write("d/tls/ca.pem", crypto::CertificateToPem(ca->certificate_der));
  const auto at = [&](std::int64_t now) {
    return Find(CheckDeployment(deployment(), settings_, now), "certificate").severity;
  };
  const std::int64_t made = MachineView::OfThisMachine().unix_now;
  EXPECT_EQ(at(made), Severity::kOk);
  EXPECT_EQ(at(made + 3600 * 86400LL), Severity::kWarn);
  EXPECT_EQ(at(made + 3700 * 86400LL), Severity::kFail);
}

TEST_F(DoctorTest, AMinimumBelowHybridIsWarnedOfWithItsPeers) {
  EXPECT_EQ(Deployment("TLS").severity, Severity::kOk);
  settings_.tls.classical_from = {"192.0.2.7", "10.1.0.0/16"};
  EXPECT_EQ(Deployment("TLS").severity, Severity::kWarn);
  EXPECT_NE(Deployment("TLS").found.find("192.0.2.7, 10.1.0.0/16"), std::string::npos);
  settings_.tls.minimum = config::TlsMinimum::kClassical;
  EXPECT_NE(Deployment("TLS").found.find("every client"), std::string::npos);
}

TEST_F(DoctorTest, ALogWithoutItsCheckpointFails) {
  EXPECT_EQ(Deployment("log").severity, Severity::kFail);
  Write("d/audit/checkpoint", "not a note");
  Write("d/audit/log.vkey", "not a key");
  EXPECT_EQ(Deployment("log").severity, Severity::kFail);
}

}  // namespace
}  // namespace casemate::app
