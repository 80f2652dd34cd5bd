#include "sandbox/filter.h"

#include <asm/ioctls.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>

namespace casemate::sandbox {
namespace {

// What glibc, its threads, libstdc++, OpenMP, libllama, SQLite, OpenSSL, Asio and SoftHSM call.
// Which files can be opened is Landlock's affair.
constexpr int kEveryone[] = {
    // Descriptors.
    SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(pread64),
    SCMP_SYS(pwrite64), SCMP_SYS(preadv), SCMP_SYS(pwritev), SCMP_SYS(preadv2), SCMP_SYS(pwritev2),
    SCMP_SYS(close), SCMP_SYS(close_range), SCMP_SYS(lseek), SCMP_SYS(dup), SCMP_SYS(dup2),
    SCMP_SYS(dup3), SCMP_SYS(fcntl), SCMP_SYS(flock), SCMP_SYS(pipe), SCMP_SYS(pipe2),
    SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select), SCMP_SYS(pselect6), SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_create), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2), SCMP_SYS(eventfd2), SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime),
    SCMP_SYS(timerfd_gettime), SCMP_SYS(signalfd4), SCMP_SYS(sendfile), SCMP_SYS(copy_file_range),
    // Files.
    SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(creat), SCMP_SYS(stat),
    SCMP_SYS(fstat), SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(statfs),
    SCMP_SYS(fstatfs), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
    SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getcwd), SCMP_SYS(chdir), SCMP_SYS(fchdir),
    SCMP_SYS(getdents64), SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(rmdir), SCMP_SYS(unlink),
    SCMP_SYS(unlinkat), SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(link),
    SCMP_SYS(linkat), SCMP_SYS(symlink), SCMP_SYS(symlinkat), SCMP_SYS(chmod), SCMP_SYS(fchmod),
    SCMP_SYS(fchmodat), SCMP_SYS(fchmodat2), SCMP_SYS(chown), SCMP_SYS(fchown), SCMP_SYS(fchownat),
    SCMP_SYS(utimensat), SCMP_SYS(umask), SCMP_SYS(truncate), SCMP_SYS(ftruncate),
    SCMP_SYS(fallocate), SCMP_SYS(fadvise64), SCMP_SYS(readahead), SCMP_SYS(fsync),
    SCMP_SYS(fdatasync), SCMP_SYS(sync_file_range), SCMP_SYS(syncfs),
    // Memory.
    SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mprotect), SCMP_SYS(mremap), SCMP_SYS(madvise),
    SCMP_SYS(msync), SCMP_SYS(mincore), SCMP_SYS(mlock), SCMP_SYS(mlock2), SCMP_SYS(munlock),
    SCMP_SYS(mlockall), SCMP_SYS(munlockall), SCMP_SYS(brk), SCMP_SYS(memfd_create),
    SCMP_SYS(memfd_secret), SCMP_SYS(membarrier), SCMP_SYS(mseal), SCMP_SYS(pkey_alloc),
    SCMP_SYS(pkey_mprotect), SCMP_SYS(get_mempolicy), SCMP_SYS(set_mempolicy), SCMP_SYS(mbind),
    // Threads, signals, time.
    SCMP_SYS(futex), SCMP_SYS(futex_waitv), SCMP_SYS(futex_wake), SCMP_SYS(futex_wait),
    SCMP_SYS(set_robust_list), SCMP_SYS(get_robust_list), SCMP_SYS(rseq), SCMP_SYS(set_tid_address),
    SCMP_SYS(arch_prctl), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_setaffinity), SCMP_SYS(sched_getparam), SCMP_SYS(sched_getscheduler),
    SCMP_SYS(sched_setscheduler), SCMP_SYS(sched_get_priority_max),
    SCMP_SYS(sched_get_priority_min), SCMP_SYS(getcpu), SCMP_SYS(getpriority),
    SCMP_SYS(setpriority), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigtimedwait), SCMP_SYS(rt_sigpending), SCMP_SYS(rt_sigsuspend),
    SCMP_SYS(sigaltstack), SCMP_SYS(pause), SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(time),
    SCMP_SYS(times), SCMP_SYS(alarm), SCMP_SYS(setitimer), SCMP_SYS(getitimer),
    SCMP_SYS(timer_create), SCMP_SYS(timer_settime), SCMP_SYS(timer_delete),
    SCMP_SYS(restart_syscall), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(wait4),
    SCMP_SYS(waitid),
    // Who and where am I.
    SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getppid), SCMP_SYS(getuid), SCMP_SYS(geteuid),
    SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(getresuid), SCMP_SYS(getresgid),
    SCMP_SYS(getgroups), SCMP_SYS(getpgrp), SCMP_SYS(getpgid), SCMP_SYS(getsid), SCMP_SYS(uname),
    SCMP_SYS(sysinfo), SCMP_SYS(getrusage), SCMP_SYS(getrlimit), SCMP_SYS(setrlimit),
    SCMP_SYS(capget), SCMP_SYS(getrandom),
    // Sockets that are there already; a pair reaches nobody new.
    SCMP_SYS(socketpair), SCMP_SYS(sendmsg), SCMP_SYS(recvmsg), SCMP_SYS(sendto),
    SCMP_SYS(recvfrom), SCMP_SYS(sendmmsg), SCMP_SYS(recvmmsg), SCMP_SYS(shutdown),
    SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername)};

// What the supervisor needs to start, watch and end processes that then sandbox themselves.
constexpr int kSupervisor[] = {SCMP_SYS(fork),      SCMP_SYS(vfork),
                               SCMP_SYS(clone),     SCMP_SYS(clone3),
                               SCMP_SYS(execve),    SCMP_SYS(kill),
                               SCMP_SYS(tgkill),    SCMP_SYS(pidfd_open),
                               SCMP_SYS(prctl),     SCMP_SYS(pidfd_send_signal),
                               SCMP_SYS(prlimit64), SCMP_SYS(seccomp),
                               SCMP_SYS(setsid),    SCMP_SYS(landlock_create_ruleset),
                               SCMP_SYS(setpgid),   SCMP_SYS(landlock_add_rule),
                               SCMP_SYS(ioctl),     SCMP_SYS(landlock_restrict_self),
                               SCMP_SYS(accept),    SCMP_SYS(accept4),
                               SCMP_SYS(connect)};

// No part of Casemate calls these: whoever does is not Casemate any more.
constexpr int kNobody[] = {SCMP_SYS(ptrace),
                           SCMP_SYS(process_vm_readv),
                           SCMP_SYS(process_vm_writev),
                           SCMP_SYS(process_madvise),
                           SCMP_SYS(pidfd_getfd),
                           SCMP_SYS(kcmp),
                           SCMP_SYS(bpf),
                           SCMP_SYS(perf_event_open),
                           SCMP_SYS(userfaultfd),
                           SCMP_SYS(init_module),
                           SCMP_SYS(finit_module),
                           SCMP_SYS(delete_module),
                           SCMP_SYS(kexec_load),
                           SCMP_SYS(kexec_file_load),
                           SCMP_SYS(mount),
                           SCMP_SYS(umount2),
                           SCMP_SYS(pivot_root),
                           SCMP_SYS(chroot),
                           SCMP_SYS(setns),
                           SCMP_SYS(unshare),
                           SCMP_SYS(open_by_handle_at),
                           SCMP_SYS(reboot),
                           SCMP_SYS(swapon),
                           SCMP_SYS(swapoff),
                           SCMP_SYS(add_key),
                           SCMP_SYS(request_key),
                           SCMP_SYS(keyctl),
                           SCMP_SYS(iopl),
                           SCMP_SYS(ioperm),
                           SCMP_SYS(setuid),
                           SCMP_SYS(setgid),
                           SCMP_SYS(setreuid),
                           SCMP_SYS(setregid),
                           SCMP_SYS(setresuid),
                           SCMP_SYS(setresgid),
                           SCMP_SYS(setgroups),
                           SCMP_SYS(capset)};

struct ReleaseFilter {
  void operator()(void* filter) const { seccomp_release(filter); }
};

// Collects rules; the first error sticks.
class Filter {
 public:
  Filter() : filter_(seccomp_init(SCMP_ACT_ERRNO(EPERM))) {}

  void Add(std::uint32_t action, int call, std::initializer_list<scmp_arg_cmp> arguments = {}) {
    // A negative number is a call that this architecture does not have.
    if (filter_ == nullptr || failed_ != 0 || call < 0) {
      return;
    }
    const int added = seccomp_rule_add_array(
        filter_.get(), action, call, static_cast<unsigned>(arguments.size()), arguments.begin());
    failed_ = added;
  }
  void Allow(int call, std::initializer_list<scmp_arg_cmp> arguments = {}) {
    Add(SCMP_ACT_ALLOW, call, arguments);
  }

  Result<void> Load() {
    if (filter_ == nullptr || failed_ != 0 ||
        // Also where the caller was wrong about its threads.
        seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_TSYNC, 1) != 0 ||
        seccomp_load(filter_.get()) != 0) {
      return Fail(ErrorCode::kUnavailable, "the system call filter was refused (error " +
                                               std::to_string(-failed_) +
                                               "): the kernel needs CONFIG_SECCOMP_FILTER");
    }
    return {};
  }

 private:
  std::unique_ptr<void, ReleaseFilter> filter_;
  int failed_ = 0;
};

// An int or unsigned argument: the kernel looks at the lower half, so must the filter.
scmp_arg_cmp Int(unsigned argument, std::uint32_t value) {
  return scmp_arg_cmp{argument, SCMP_CMP_MASKED_EQ, 0xffffffff, value};
}

void AllowOnlySelf(Filter& filter) {
  const auto self = static_cast<std::uint32_t>(::getpid());
  filter.Allow(SCMP_SYS(tgkill), {Int(0, self)});  // abort and pthread_kill
  filter.Allow(SCMP_SYS(prlimit64), {Int(0, 0)});
  filter.Allow(SCMP_SYS(prlimit64), {Int(0, self)});
  for (std::uint32_t request : {TCGETS, FIONREAD, FIONBIO, FIOCLEX}) {
    filter.Allow(SCMP_SYS(ioctl), {Int(1, request)});
  }
  for (std::uint32_t option : {PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_CAPBSET_READ,
                               0x53564d41 /* PR_SET_VMA: names of mappings */}) {
    filter.Allow(SCMP_SYS(prctl), {Int(0, option)});
  }
}

}  // namespace

Result<void> EnterFilter(const Rules& rules) {
  Filter filter;
  for (int call : kEveryone) {
    filter.Allow(call);
  }
  for (int call : kNobody) {
    filter.Add(SCMP_ACT_KILL_PROCESS, call);
  }
  filter.Add(SCMP_ACT_KILL_PROCESS, SCMP_SYS(execveat));

  if (rules.may_exec) {
    for (int call : kSupervisor) {
      filter.Allow(call);
    }
    filter.Allow(SCMP_SYS(socket), {Int(0, AF_UNIX)});
    return filter.Load();
  }

  filter.Add(SCMP_ACT_KILL_PROCESS, SCMP_SYS(execve));
  AllowOnlySelf(filter);
  // glibc tries clone3, whose flags a filter cannot see, and takes ENOSYS as word to use clone.
  filter.Add(SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3));
  if (rules.may_make_threads) {
    filter.Allow(SCMP_SYS(clone),
                 {scmp_arg_cmp{0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD}});
  }
  if (rules.may_listen_unix || rules.may_use_network) {
    filter.Allow(SCMP_SYS(accept));
    filter.Allow(SCMP_SYS(accept4));
  }
  if (rules.may_listen_unix) {
    filter.Allow(SCMP_SYS(socket), {Int(0, AF_UNIX)});
    filter.Allow(SCMP_SYS(connect));  // to a token's daemon
  }
  if (rules.may_use_network) {
    filter.Allow(SCMP_SYS(socket), {Int(0, AF_INET)});
    filter.Allow(SCMP_SYS(socket), {Int(0, AF_INET6)});
    if (!rules.may_listen_unix) {
      filter.Allow(SCMP_SYS(connect));
    }
  }
  return filter.Load();
}

}  // namespace casemate::sandbox
