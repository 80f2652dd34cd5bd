#include "attestation/tdx/tcb_level.h"

#include <algorithm>
#include <array>

namespace casemate::attestation::tdx {
namespace {

bool EqualUnderMask(const Bytes& found, const Bytes& expected, const Bytes& mask) {
  for (std::size_t i = 0; i < mask.size(); ++i) {
    if ((found[i] & mask[i]) != (expected[i] & mask[i])) {
      return false;
    }
  }
  return true;
}

Standing FromLevels(const std::vector<SvnLevel>& levels, unsigned svn, const std::string& what) {
  for (const SvnLevel& level : levels) {
    if (level.isv_svn <= svn) {
      return {.status = level.status,
              .date = level.date,
              .advisories = level.advisories,
              .reason = what + " has SVN " + std::to_string(svn) + ", which is " +
                        std::string(TcbStatusName(level.status)) + " (level " +
                        std::to_string(level.isv_svn) + ")",
              .found = true};
    }
  }
  return {.reason = what + " has SVN " + std::to_string(svn) + ", below every level"};
}

bool Reaches(const TcbLevel& level, const Pck& pck, const Bytes* tee_tcb_svn) {
  for (std::size_t i = 0; i < level.sgx.size(); ++i) {
    if (pck.component_svn[i] < level.sgx[i]) {
      return false;
    }
  }
  if (pck.pce_svn < level.pce_svn) {
    return false;
  }
  if (tee_tcb_svn == nullptr) {
    return true;
  }
  // From module 1.5 on the first two bytes are judged by the module's own identity.
  const bool by_identity = (*tee_tcb_svn)[1] != std::byte{0};
  for (std::size_t i = by_identity ? 2 : 0; i < level.tdx.size(); ++i) {
    if (std::to_integer<unsigned>((*tee_tcb_svn)[i]) < level.tdx[i]) {
      return false;
    }
  }
  return true;
}

const ModuleIdentity* FindModule(const TcbInfo& info, ByteView major) {
  const std::string id = "TDX_" + ToHex(major);
  const auto found = std::ranges::find_if(info.modules, [&](const ModuleIdentity& module) {
    return std::ranges::equal(module.id, id, [](char a, char b) {
      return std::toupper(static_cast<unsigned char>(a)) ==
             std::toupper(static_cast<unsigned char>(b));
    });
  });
  return found == info.modules.end() ? nullptr : &*found;
}

}  // namespace

Standing PlatformStanding(const TcbInfo& info, const Pck& pck, const Bytes* tee_tcb_svn) {
  for (std::size_t i = 0; i < info.levels.size(); ++i) {
    const TcbLevel& level = info.levels[i];
    if (Reaches(level, pck, tee_tcb_svn)) {
      return {.status = level.status,
              .date = level.date,
              .advisories = level.advisories,
              .reason = "the platform is " + std::string(TcbStatusName(level.status)) + " (level " +
                        std::to_string(i + 1) + " of " + std::to_string(info.levels.size()) +
                        ", of " + level.date + "; PCESVN " + std::to_string(pck.pce_svn) + ")",
              .found = true};
    }
  }
  return {.reason = "the platform reaches none of the " + std::to_string(info.levels.size()) +
                    " levels: it is not supported at this TCB"};
}

Standing ModuleStanding(const TcbInfo& info, const TdReport& td, const Bytes& tee_tcb_svn) {
  const unsigned major = std::to_integer<unsigned>(tee_tcb_svn[1]);
  const ModuleIdentity* identity = nullptr;
  std::string id = "tdxModule";
  if (major == 0) {
    identity = info.module ? &*info.module : nullptr;
  } else {
    id = "TDX_" + ToHex(ByteView(tee_tcb_svn).subspan(1, 1));
    identity = FindModule(info, ByteView(tee_tcb_svn).subspan(1, 1));
  }
  if (identity == nullptr) {
    return {.reason = "the TCB info has no identity for module " + id};
  }
  if (identity->mr_signer != td.mr_signer_seam ||
      !EqualUnderMask(td.seam_attributes, identity->attributes, identity->attributes_mask)) {
    return {.reason = "the module's signer or attributes are not those of " + id};
  }
  if (major == 0) {
    return {.status = TcbStatus::kUpToDate,
            .reason =
                "the module's signer and attributes are as expected; its SVN is among the "
                "platform's levels",
            .found = true};
  }
  return FromLevels(identity->levels, std::to_integer<unsigned>(tee_tcb_svn[0]), "module " + id);
}

namespace {

bool NeedsConfiguration(TcbStatus status) {
  return status == TcbStatus::kConfigurationNeeded ||
         status == TcbStatus::kConfigurationAndSwHardeningNeeded ||
         status == TcbStatus::kOutOfDateConfigurationNeeded;
}

// The module that runs now is of the newest level.
bool RunsCurrentModule(const TcbInfo& info, const Bytes& svn) {
  if (info.levels.empty()) {
    return false;
  }
  const auto number = [&](std::size_t i) { return std::to_integer<unsigned>(svn[i]); };
  const std::array<unsigned, 16>& newest = info.levels.front().tdx;
  if (number(2) < newest[2]) {
    return false;
  }
  if (number(1) == 0) {
    return number(0) >= newest[0];
  }
  const ModuleIdentity* module = FindModule(info, ByteView(svn).subspan(1, 1));
  return module != nullptr && !module->levels.empty() &&
         number(0) >= module->levels.front().isv_svn;
}

}  // namespace

TcbStatus Converge(const TcbInfo& info, const TdReport& td, const TdxStatuses& statuses) {
  const TcbStatus both = Worse(statuses.platform, statuses.module);
  const bool old =
      both == TcbStatus::kOutOfDate || both == TcbStatus::kOutOfDateConfigurationNeeded;
  if (old && statuses.module == TcbStatus::kOutOfDate &&
      statuses.sgx <= TcbStatus::kConfigurationAndSwHardeningNeeded &&
      statuses.enclave < TcbStatus::kOutOfDate && !td.tee_tcb_svn_2.empty() &&
      RunsCurrentModule(info, td.tee_tcb_svn_2)) {
    return NeedsConfiguration(statuses.sgx) || NeedsConfiguration(both)
               ? TcbStatus::kTdRelaunchAdvisedConfigurationNeeded
               : TcbStatus::kTdRelaunchAdvised;
  }
  return Worse(both, statuses.enclave);
}

Standing EnclaveStanding(const EnclaveIdentity& identity, const EnclaveReport& enclave) {
  if (enclave.mr_signer != identity.mr_signer) {
    return {.reason = "the quoting enclave's signer is " + ToHex(enclave.mr_signer) +
                      ", expected " + ToHex(identity.mr_signer)};
  }
  if (enclave.isv_prod_id != identity.isv_prod_id) {
    return {.reason = "the quoting enclave's product is " + std::to_string(enclave.isv_prod_id) +
                      ", expected " + std::to_string(identity.isv_prod_id)};
  }
  if (!EqualUnderMask(enclave.misc_select, identity.misc_select, identity.misc_select_mask) ||
      !EqualUnderMask(enclave.attributes, identity.attributes, identity.attributes_mask)) {
    return {.reason = "the quoting enclave's MISCSELECT or attributes are not those expected"};
  }
  return FromLevels(identity.levels, enclave.isv_svn, "the quoting enclave");
}

}  // namespace casemate::attestation::tdx
