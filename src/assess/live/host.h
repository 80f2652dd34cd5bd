#pragma once

#include <filesystem>
#include <string>

// What the machine below a deployment shows of itself. Reads proc/ and sys/, changes nothing, needs
// no rights; what cannot be read is not known.
namespace casemate::assess {

enum class Swap : unsigned char { kOff, kEncrypted, kPlain, kNotKnown };
enum class Ports : unsigned char { kClosed, kOpen, kNotKnown };

struct HostFacts {
  Swap swap = Swap::kNotKnown;  // zram is memory; encrypted: every area lies on dm-crypt
  std::string swap_areas;       // their names, for people
  // A crash kernel is loaded: when the kernel dies, all memory is written down.
  bool crash_kernel = false;
  bool crash_kernel_known = false;
  bool is_virtual = false;  // a hypervisor shows itself; one that hides is not seen
  std::string product;      // what the machine's firmware calls it, or empty
  std::string processor;    // who made the processor, or empty
  std::string tee;          // "sev-snp", "tdx": the kernel says that it runs in one; else empty
  // The processor has an encryption of memory that the kernel can see: whether it is on is not.
  bool can_encrypt_memory = false;
  bool encrypts_memory = false;  // the kernel was told to
  // Closed: every group of the IOMMU translates. Open: there is no IOMMU in use.
  Ports ports = Ports::kNotKnown;
};

// `root` is / but in tests.
HostFacts ReadHost(const std::filesystem::path& root);

}  // namespace casemate::assess
