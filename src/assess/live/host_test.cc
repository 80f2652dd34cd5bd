#include "assess/live/host.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <fstream>

namespace casemate::assess {
namespace {

namespace fs = std::filesystem;

class HostTest : public ::testing::Test {
 protected:
  HostTest() {
    std::string pattern = testing::TempDir() + "casemate-host-XXXXXX";
    root_ = ::mkdtemp(pattern.data());
    Write("proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n");
    Write("proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu vme aes\n");
    Write("proc/cmdline", "quiet\n");
    Write("sys/kernel/kexec_crash_loaded", "0\n");
  }
  ~HostTest() override { fs::remove_all(root_); }

  void Write(const std::string& name, const std::string& text) const {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << text;
  }
  // The device that the test's own files lie on, as sys/dev/block names it.
  std::string OwnDevice() const {
    struct stat facts{};
    EXPECT_EQ(::stat(root_.c_str(), &facts), 0);
    return "sys/dev/block/" + std::to_string(major(facts.st_dev)) + ":" +
           std::to_string(minor(facts.st_dev));
  }

  fs::path root_;
};

TEST_F(HostTest, AQuietMachineHasNeitherSwapNorCrashKernelNorHypervisor) {
  const HostFacts facts = ReadHost(root_);
  EXPECT_EQ(facts.swap, Swap::kOff);
  EXPECT_TRUE(facts.crash_kernel_known);
  EXPECT_FALSE(facts.crash_kernel);
  EXPECT_FALSE(facts.is_virtual);
  EXPECT_EQ(facts.tee, "");
  EXPECT_EQ(facts.processor, "Intel");
  EXPECT_FALSE(facts.can_encrypt_memory);
}

TEST_F(HostTest, SwapInAFileIsPlainAndCompressedMemoryIsNoSwap) {
  Write("swapfile", "");
  Write("proc/swaps",
        "Filename Type Size Used Priority\n/dev/zram0 partition 1 0 100\n/swapfile file 9 0 -2\n");
  const HostFacts facts = ReadHost(root_);
  EXPECT_EQ(facts.swap, Swap::kPlain);
  EXPECT_EQ(facts.swap_areas, "/swapfile");
  Write("proc/swaps", "Filename Type Size Used Priority\n/dev/zram0 partition 1 0 100\n");
  EXPECT_EQ(ReadHost(root_).swap, Swap::kOff);
}

TEST_F(HostTest, SwapIsEncryptedWhereAllThatItLiesOnIs) {
  Write("swapfile", "");
  Write("proc/swaps", "Filename Type Size Used Priority\n/swapfile file 9 0 -2\n");
  Write(OwnDevice() + "/slaves/dm-0/dm/uuid", "CRYPT-LUKS2-0123-swap\n");
  EXPECT_EQ(ReadHost(root_).swap, Swap::kEncrypted);
  Write(OwnDevice() + "/slaves/sdb/size", "9\n");  // half of it lies on a bare disk
  EXPECT_EQ(ReadHost(root_).swap, Swap::kPlain);
}

TEST_F(HostTest, OnePlainAreaMakesSwapPlain) {
  Write("swapfile", "");
  Write(OwnDevice() + "/dm/uuid", "CRYPT-PLAIN-swap\n");
  Write("proc/swaps",
        "Filename Type Size Used Priority\n/not-there file 9 0 -2\n/swapfile file 9 0 -3\n");
  EXPECT_EQ(ReadHost(root_).swap, Swap::kPlain);
}

TEST_F(HostTest, WhatCannotBeReadIsNotKnown) {
  fs::remove_all(root_ / "proc");
  fs::remove_all(root_ / "sys");
  const HostFacts facts = ReadHost(root_);
  EXPECT_EQ(facts.swap, Swap::kNotKnown);
  EXPECT_FALSE(facts.crash_kernel_known);
  EXPECT_EQ(facts.ports, Ports::kNotKnown);
}

TEST_F(HostTest, AVirtualMachineAndItsTeeAreWhatTheKernelSays) {
  Write("proc/cpuinfo", "vendor_id : AuthenticAMD\nflags : fpu hypervisor sev_snp\n");
  Write("sys/class/dmi/id/sys_vendor", "QEMU\n");
  Write("sys/class/dmi/id/product_name", "Standard PC\n");
  const HostFacts facts = ReadHost(root_);
  EXPECT_TRUE(facts.is_virtual);
  EXPECT_EQ(facts.tee, "sev-snp");
  EXPECT_EQ(facts.product, "QEMU Standard PC");
  // A host that can start such guests is none.
  Write("proc/cpuinfo", "vendor_id : AuthenticAMD\nflags : fpu sme sev_snp\n");
  EXPECT_EQ(ReadHost(root_).tee, "");
  EXPECT_TRUE(ReadHost(root_).can_encrypt_memory);
  EXPECT_FALSE(ReadHost(root_).encrypts_memory);
}

TEST_F(HostTest, PortsAreClosedWhereEveryGroupTranslates) {
  fs::create_directories(root_ / "sys/kernel/iommu_groups");
  EXPECT_EQ(ReadHost(root_).ports, Ports::kOpen);
  Write("sys/kernel/iommu_groups/0/type", "DMA-FQ\n");
  EXPECT_EQ(ReadHost(root_).ports, Ports::kClosed);
  Write("sys/kernel/iommu_groups/1/type", "identity\n");
  EXPECT_EQ(ReadHost(root_).ports, Ports::kNotKnown);
}

}  // namespace
}  // namespace casemate::assess
