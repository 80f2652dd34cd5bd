#include "attestation/tdx/tcb_level.h"

#include <gtest/gtest.h>

namespace casemate::attestation::tdx {
namespace {

using enum TcbStatus;

// TCB info with one platform level that wants TDX component 2 of at least 2, and module 1 with a
// current level 4 and an old level 2.
TcbInfo Info() {
  TcbInfo info;
  info.tdx = true;
  TcbLevel newest;
  newest.tdx = {5, 0, 2};
  newest.status = kUpToDate;
  info.levels = {newest};
  ModuleIdentity module;
  module.id = "TDX_01";
  module.levels = {{.isv_svn = 4, .status = kUpToDate}, {.isv_svn = 2, .status = kOutOfDate}};
  info.modules = {module};
  return info;
}

Bytes Svn(unsigned minor, unsigned major, unsigned third) {
  Bytes svn(16);
  svn[0] = static_cast<std::byte>(minor);
  svn[1] = static_cast<std::byte>(major);
  svn[2] = static_cast<std::byte>(third);
  return svn;
}

TdReport Running(const Bytes& now) {
  TdReport td;
  td.tee_tcb_svn = Svn(3, 1, 3);
  td.tee_tcb_svn_2 = now;
  return td;
}

// Expected words: Intel's Quote Verification Library, TDRelaunchCheck.cpp (checkForRelaunch).
TEST(ConvergeTest, ATdOfAnOldModuleUnderACurrentOneIsToBeRelaunched) {
  const TcbInfo info = Info();
  const TdReport td = Running(Svn(6, 1, 3));
  for (const auto& [sgx, word] :
       {std::pair{kUpToDate, kTdRelaunchAdvised},
        {kSwHardeningNeeded, kTdRelaunchAdvised},
        {kConfigurationNeeded, kTdRelaunchAdvisedConfigurationNeeded},
        {kConfigurationAndSwHardeningNeeded, kTdRelaunchAdvisedConfigurationNeeded}}) {
    EXPECT_EQ(Converge(info, td,
                       {.sgx = sgx, .platform = sgx, .module = kOutOfDate, .enclave = kUpToDate}),
              word)
        << TcbStatusName(sgx);
  }
  EXPECT_EQ(Converge(info, td,
                     {.sgx = kUpToDate,
                      .platform = kOutOfDateConfigurationNeeded,
                      .module = kOutOfDate,
                      .enclave = kUpToDate}),
            kTdRelaunchAdvisedConfigurationNeeded);
}

TEST(ConvergeTest, WithoutACurrentModuleNowItIsOutOfDate) {
  const TcbInfo info = Info();
  const TdxStatuses old = {
      .sgx = kUpToDate, .platform = kUpToDate, .module = kOutOfDate, .enclave = kUpToDate};
  EXPECT_EQ(Converge(info, Running(Svn(4, 1, 2)), old), kTdRelaunchAdvised) << "just enough";
  EXPECT_EQ(Converge(info, Running(Svn(3, 1, 3)), old), kOutOfDate) << "still the old one";
  EXPECT_EQ(Converge(info, Running(Svn(6, 1, 1)), old), kOutOfDate) << "component 2 is too low";
  EXPECT_EQ(Converge(info, Running(Svn(6, 2, 3)), old), kOutOfDate) << "a module that is not known";
  EXPECT_EQ(Converge(info, Running({}), old), kOutOfDate) << "a TD report 1.0 does not say";
  EXPECT_EQ(Converge(info, Running(Svn(5, 0, 2)), old), kTdRelaunchAdvised) << "a module 1.0";
  EXPECT_EQ(Converge(info, Running(Svn(4, 0, 2)), old), kOutOfDate);
}

TEST(ConvergeTest, WhatRelaunchingDoesNotMendStays) {
  const TcbInfo info = Info();
  const TdReport td = Running(Svn(6, 1, 3));
  const auto with = [&](TcbStatus sgx, TcbStatus platform, TcbStatus module, TcbStatus enclave) {
    return Converge(info, td,
                    {.sgx = sgx, .platform = platform, .module = module, .enclave = enclave});
  };
  EXPECT_EQ(with(kOutOfDate, kOutOfDate, kOutOfDate, kUpToDate), kOutOfDate) << "the platform";
  EXPECT_EQ(with(kUpToDate, kUpToDate, kOutOfDate, kOutOfDate), kOutOfDate) << "the enclave";
  EXPECT_EQ(with(kUpToDate, kUpToDate, kOutOfDate, kRevoked), kRevoked);
  EXPECT_EQ(with(kRevoked, kRevoked, kOutOfDate, kUpToDate), kRevoked);
  EXPECT_EQ(with(kUpToDate, kUpToDate, kRevoked, kUpToDate), kRevoked);
  EXPECT_EQ(with(kUpToDate, kUpToDate, kUpToDate, kUpToDate), kUpToDate);
  EXPECT_EQ(with(kUpToDate, kUpToDate, kUpToDate, kSwHardeningNeeded), kSwHardeningNeeded);
  EXPECT_EQ(with(kUnknown, kUnknown, kOutOfDate, kUpToDate), kUnknown);
}

TEST(ConvergeTest, TheWordsAreIntelsAndNoneOfCollateral) {
  EXPECT_EQ(TcbStatusName(kTdRelaunchAdvised), "TDRelaunchAdvised");
  EXPECT_EQ(TcbStatusName(kTdRelaunchAdvisedConfigurationNeeded),
            "TDRelaunchAdvisedConfigurationNeeded");
  EXPECT_EQ(ParseTcbStatus("TDRelaunchAdvised"), kUnknown);
}

}  // namespace
}  // namespace casemate::attestation::tdx
