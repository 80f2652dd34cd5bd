#include "assess/live/host.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <vector>

namespace casemate::assess {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxText = 256UL * 1024;  // of one file; a processor of cpuinfo has a few KiB
constexpr int kMaxLayers = 6;                   // devices on top of each other
constexpr std::size_t kMaxAreas = 64;
constexpr std::size_t kMaxGroups = 4096;

std::string ReadStart(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxText, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
    text.pop_back();
  }
  return text;
}

// Whether a block device, or all that it is made of, is dm-crypt's.
bool IsSealed(const fs::path& device, int layers) {
  if (ReadStart(device / "dm/uuid").starts_with("CRYPT-")) {
    return true;
  }
  std::error_code error;
  bool any = false;
  for (const fs::directory_entry& below : fs::directory_iterator(device / "slaves", error)) {
    any = true;
    if (layers == 0 || !IsSealed(below.path(), layers - 1)) {
      return false;
    }
  }
  return any;
}

// The device that an area is, or that its file lies on, as sys/dev/block has it.
fs::path DeviceOf(const fs::path& root, const std::string& area) {
  struct stat facts{};
  const fs::path path = root / fs::path(area).relative_path();
  if (::stat(path.c_str(), &facts) != 0) {
    return {};
  }
  const dev_t device = S_ISBLK(facts.st_mode) ? facts.st_rdev : facts.st_dev;
  return root / "sys/dev/block" /
         (std::to_string(major(device)) + ":" + std::to_string(minor(device)));
}

void ReadSwap(const fs::path& root, HostFacts& facts) {
  std::error_code error;
  if (!fs::exists(root / "proc/swaps", error)) {
    return;
  }
  std::istringstream lines(ReadStart(root / "proc/swaps"));
  facts.swap = Swap::kOff;
  std::size_t areas = 0;
  for (std::string line; std::getline(lines, line) && areas < kMaxAreas;) {
    if (line.starts_with("Filename") || line.find("zram") != std::string::npos) {
      continue;
    }
    ++areas;
    const std::string area = line.substr(0, line.find_first_of(" \t"));
    facts.swap_areas += (facts.swap_areas.empty() ? "" : ", ") + area;
    const fs::path device = DeviceOf(root, area);
    const bool sealed = !device.empty() && IsSealed(device, kMaxLayers);
    facts.swap = sealed && facts.swap != Swap::kPlain ? Swap::kEncrypted : Swap::kPlain;
  }
}

void ReadProcessor(const fs::path& root, HostFacts& facts) {
  const std::string processor = ReadStart(root / "proc/cpuinfo");
  const auto has = [&](std::string_view flag) {
    const std::size_t at = processor.find(" " + std::string(flag));
    const std::size_t end = at + 1 + flag.size();
    return at != std::string::npos &&
           (end == processor.size() || processor[end] == ' ' || processor[end] == '\n');
  };
  std::error_code error;
  facts.is_virtual = has("hypervisor") || fs::exists(root / "sys/hypervisor/type", error);
  facts.tee = has("tdx_guest") ? "tdx" : has("sev_snp") && facts.is_virtual ? "sev-snp" : "";
  facts.can_encrypt_memory = has("sme") || has("tme");
  facts.encrypts_memory =
      facts.can_encrypt_memory &&
      ReadStart(root / "proc/cmdline").find("mem_encrypt=on") != std::string::npos;
  for (const auto& [mark, name] :
       {std::pair{"AuthenticAMD", "AMD"}, std::pair{"GenuineIntel", "Intel"}}) {
    if (processor.find(mark) != std::string::npos) {
      facts.processor = name;
    }
  }
  facts.product = ReadStart(root / "sys/class/dmi/id/sys_vendor");
  const std::string model = ReadStart(root / "sys/class/dmi/id/product_name");
  facts.product += (facts.product.empty() || model.empty() ? "" : " ") + model;
}

void ReadPorts(const fs::path& root, HostFacts& facts) {
  std::error_code error;
  const fs::path folder = root / "sys/kernel/iommu_groups";
  if (!fs::is_directory(folder, error)) {
    return;
  }
  std::size_t groups = 0;
  bool translates = true;
  for (const fs::directory_entry& group : fs::directory_iterator(folder, error)) {
    if (++groups > kMaxGroups) {
      break;
    }
    translates = translates && ReadStart(group.path() / "type").starts_with("DMA");
  }
  if (groups == 0) {
    facts.ports = Ports::kOpen;
  } else if (translates) {
    facts.ports = Ports::kClosed;
  }
}

}  // namespace

HostFacts ReadHost(const fs::path& root) {
  HostFacts facts;
  ReadSwap(root, facts);
  ReadProcessor(root, facts);
  ReadPorts(root, facts);
  const std::string crash = ReadStart(root / "sys/kernel/kexec_crash_loaded");
  facts.crash_kernel_known = !crash.empty();
  facts.crash_kernel = crash == "1";
  return facts;
}

}  // namespace casemate::assess
