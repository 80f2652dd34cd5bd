#include "app/supervisor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>

#include "app/supervisor_process.h"
#include "app/supervisor_sockets.h"
#include "base/file.h"

namespace casemate::app {
namespace {

namespace fs = std::filesystem;

// SHA-256 of "weights", by sha256sum(1).
constexpr const char* kWeights = "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c";
constexpr std::chrono::seconds kPatience{60};

// A deployment whose processes are links to supervisor_fake_child, and the real loader. The
// supervisor runs in a child of the test.
class SupervisorTest : public ::testing::Test {
 protected:
  SupervisorTest() {
    std::string pattern = testing::TempDir() + "casemate-supervisor-XXXXXX";
    base_ = ::mkdtemp(pattern.data());
    deployment_ = base_ / "d";
    fs::create_directories(deployment_ / "models");
    fs::create_directories(base_ / "bin");
    for (const char* name : {"front", "custodian", "keeper", "room", "parse"}) {
      fs::create_symlink(CASEMATE_FAKE_CHILD, base_ / "bin" / (std::string("casemate-") + name));
    }
    fs::create_symlink(CASEMATE_LOADER, base_ / "bin" / "casemate-loader");
    Write("models/" + std::string(kWeights) + ".gguf", "weights");
    // Its content has another digest.
    Write("models/" + std::string(64, '1') + ".gguf", "changed");
  }
  ~SupervisorTest() override {
    if (supervisor_ > 0) {
      ::kill(supervisor_, SIGKILL);
      ::waitpid(supervisor_, nullptr, 0);
    }
    fs::remove_all(base_);
  }

  void Write(const std::string& name, std::string_view content) const {
    std::ofstream(deployment_ / name) << content;
  }

  void Start(std::string_view secret = "secret") {
    supervisor_ = ::fork();
    ASSERT_GE(supervisor_, 0);
    if (supervisor_ == 0) {
      ::_exit(RunSupervisor(secret));
    }
  }
  // Ends with 0, or 1 with the error's message in the file "error".
  int RunSupervisor(std::string_view secret) const {
    SupervisorSetup setup;
    setup.deployment = deployment_;
    setup.executables = base_ / "bin";
    setup.pin_source = "passphrase";
    setup.secret = UniqueFd(::memfd_create("secret", MFD_CLOEXEC));
    (void)WriteAll(setup.secret.get(), AsBytes(secret));
    if (pipe_) {
      int ends[2] = {-1, -1};
      (void)!::pipe2(ends, O_CLOEXEC);
      setup.secret = UniqueFd(ends[0]);
      (void)WriteAll(ends[1], AsBytes(secret));
      ::close(ends[1]);
    }
    setup.config.server.drain_s = drain_s_;
    Result<UniqueFd> lock = LockDeployment(deployment_);
    setup.tcp_listener = ListenTcp("127.0.0.1", 0).value();
    setup.operator_listener = ListenUnix(deployment_, "admin.sock", SOCK_STREAM).value();
    setup.custodian_listener = ListenUnix(deployment_, "custodian.sock", SOCK_SEQPACKET).value();
    setup.serving = [&](const std::string& address) { Write("address", address); };
    Result<void> ended = Supervisor(std::move(setup)).Run();
    if (!ended) {
      Write("error", ended.error().message);
    }
    return ended ? 0 : 1;
  }

  // What the children noted: the first words, with their process ids.
  std::vector<std::pair<std::string, pid_t>> Notes() const {
    std::ifstream file(deployment_ / "notes");
    std::vector<std::pair<std::string, pid_t>> notes;
    for (std::string line; std::getline(file, line);) {
      const std::size_t space = line.rfind(' ');
      notes.emplace_back(line.substr(0, space), std::stoi(line.substr(space + 1)));
    }
    return notes;
  }
  std::size_t Count(const std::string& word) const {
    return static_cast<std::size_t>(
        std::ranges::count(Notes(), word, &std::pair<std::string, pid_t>::first));
  }
  // Waits until `word` was noted `count` times; returns the last one's process.
  pid_t Await(const std::string& word, std::size_t count = 1) const {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (Count(word) < count) {
      if (std::chrono::steady_clock::now() > until) {
        ADD_FAILURE() << word << " was not noted " << count << " times";
        return -1;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    pid_t last = -1;
    for (const auto& [noted, pid] : Notes()) {
      last = noted == word ? pid : last;
    }
    return last;
  }
  int AwaitEnd() {
    int status = -1;
    EXPECT_EQ(::waitpid(std::exchange(supervisor_, -1), &status, 0) > 0, true);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::string ErrorMessage() const {
    std::ifstream file(deployment_ / "error");
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  // Gone, or not to be told from gone: its parent has not asked.
  static bool IsGone(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    std::getline(file, text);
    return text.empty() || text.contains(") Z ");
  }
  void AwaitGone(pid_t pid) const {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (!IsGone(pid) && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    EXPECT_TRUE(IsGone(pid));
  }
  void StopAndExpectAllGone() {
    const std::vector<std::pair<std::string, pid_t>> notes = Notes();
    ::kill(supervisor_, SIGTERM);
    EXPECT_EQ(AwaitEnd(), 0);
    for (const auto& [word, pid] : notes) {
      EXPECT_TRUE(IsGone(pid)) << word;
    }
  }

  fs::path base_;
  fs::path deployment_;
  pid_t supervisor_ = -1;
  bool pipe_ = false;
  std::uint32_t drain_s_ = 10;
};

TEST_F(SupervisorTest, EveryKindOfChildIsStartedAndEnded) {
  Start();
  Await("keeper-done");
  EXPECT_EQ(Count("secret=secret"), 1U);
  EXPECT_EQ(Count("started-keeper"), 1U);
  EXPECT_TRUE(fs::exists(deployment_ / "tenants"));
  EXPECT_TRUE(fs::exists(deployment_ / "address"));
  // Four parsers at the same time.
  EXPECT_EQ(Count("parse:ok"), 4U);
  EXPECT_EQ(Count("parse:resource_exhausted"), 1U);
  // One room a model, from one sealed copy of the weights.
  EXPECT_EQ(Count("room:a:ok"), 1U);
  EXPECT_EQ(Count("room:a:conflict"), 1U);
  EXPECT_EQ(Count("room:b:ok"), 1U);
  EXPECT_EQ(Count("weights=weights"), 2U);
  EXPECT_EQ(Count("room:c:invalid_argument"), 1U);
  EXPECT_EQ(Count("room:d:not_found"), 1U);
  EXPECT_EQ(Count("room:e:integrity_failure"), 1U);
  StopAndExpectAllGone();
}

TEST_F(SupervisorTest, ADeafChildIsEndedByForce) {
  Write("deaf", "");
  Start();
  Await("keeper-done");
  StopAndExpectAllGone();
}

TEST_F(SupervisorTest, AKeeperThatDiesTakesItsRoomsAndIsStartedAgain) {
  Start();
  const pid_t keeper = Await("keeper-done");
  const pid_t room = Await("room", 2);
  const pid_t parser = Await("parse", 4);
  ::kill(keeper, SIGKILL);
  AwaitGone(room);
  AwaitGone(parser);
  const pid_t next = Await("keeper-done", 2);
  EXPECT_NE(next, keeper);
  EXPECT_EQ(Count("front"), 1U);  // nothing else was touched
  StopAndExpectAllGone();
}

TEST_F(SupervisorTest, ACustodianThatDiesIsStartedAgainWithItsSecret) {
  Start();
  const pid_t keeper = Await("keeper-done");
  ::kill(Await("custodian"), SIGKILL);
  Await("keeper-done", 2);
  EXPECT_EQ(Count("custodian"), 2U);
  EXPECT_EQ(Count("secret=secret"), 2U);
  EXPECT_EQ(Count("front"), 1U);  // it lives on, with its clients
  EXPECT_EQ(Count("attached-custodian:1"), 1U);
  EXPECT_TRUE(IsGone(keeper));
  StopAndExpectAllGone();
}

TEST_F(SupervisorTest, AFrontThatDiesIsStartedAgain) {
  Start();
  Await("keeper-done");
  ::kill(Await("front"), SIGQUIT);
  Await("front", 2);
  Await("keeper-done", 2);
  EXPECT_EQ(Count("custodian"), 1U);  // it lives on, with its PIN
  EXPECT_EQ(Count("attached-front"), 1U);
  StopAndExpectAllGone();
}

TEST_F(SupervisorTest, ASecretFromAPipeIsForTheFirstCustodianAlone) {
  pipe_ = true;
  Start();
  Await("keeper-done");
  ::kill(Await("custodian"), SIGKILL);
  Await("custodian", 2);
  EXPECT_EQ(Count("secret=secret"), 1U);
  StopAndExpectAllGone();
}

TEST_F(SupervisorTest, TheEndWaitsForRequestsInFlightAndNoLonger) {
  Write("busy", "");
  drain_s_ = 1;
  Start();
  Await("keeper-done");
  ::kill(supervisor_, SIGTERM);
  Await("drain");
  EXPECT_EQ(AwaitEnd(), 0);
}

TEST_F(SupervisorTest, ASecondSignalEndsAtOnce) {
  Write("busy", "");
  drain_s_ = 3600;
  Start();
  Await("keeper-done");
  ::kill(supervisor_, SIGTERM);
  Await("drain");
  ::kill(supervisor_, SIGTERM);
  EXPECT_EQ(AwaitEnd(), 0);
}

TEST_F(SupervisorTest, HangupReadsTheConfigurationAnewAndABrokenOneChangesNothing) {
  Write("config.toml", "[server]\nmax_connections = 9\n");
  Start();
  Await("keeper-done");
  ::kill(supervisor_, SIGHUP);
  Await("settings");
  Write("config.toml", "[server]\nmax_connections = none\n");
  ::kill(supervisor_, SIGHUP);
  StopAndExpectAllGone();
  EXPECT_EQ(Count("settings"), 1U);
}

TEST_F(SupervisorTest, NumbersAreGatheredFromThoseThatAnswerInTime) {
  Write("gather", "");
  Start();
  // The supervisor's own and the front's; the fake custodian does not answer.
  Await("gathered:2+1");
  StopAndExpectAllGone();
}

TEST_F(SupervisorTest, ACustodianThatDiesAgainAndAgainEndsTheServer) {
  Start();
  for (std::size_t i = 1; i <= 6; ++i) {
    const pid_t custodian = Await("custodian", i);
    ::kill(custodian, SIGKILL);
  }
  EXPECT_EQ(AwaitEnd(), 1);
  EXPECT_TRUE(ErrorMessage().contains("custodian died again (signal 9 (KILL)) after 5 restarts"))
      << ErrorMessage();
}

TEST_F(SupervisorTest, ACustodianThatCannotStartEndsTheServerWithItsWords) {
  Write("refuse", "");
  Start();
  EXPECT_EQ(AwaitEnd(), 1);
  EXPECT_EQ(ErrorMessage(), "wrong passphrase");
}

TEST_F(SupervisorTest, AMissingExecutableEndsTheServer) {
  fs::remove(base_ / "bin" / "casemate-front");
  Start();
  EXPECT_EQ(AwaitEnd(), 1);
  EXPECT_TRUE(ErrorMessage().contains("casemate-front")) << ErrorMessage();
}

TEST_F(SupervisorTest, ATenantThatTheCustodianDoesNotKnowGetsNoKeeper) {
  Write("unknown", "");
  Start();
  Await("no-keeper:not_found");
  EXPECT_EQ(Count("keeper"), 0U);
  EXPECT_FALSE(fs::exists(deployment_ / "tenants"));
  StopAndExpectAllGone();
}

TEST_F(SupervisorTest, AKeeperThatCannotStartSaysWhy) {
  Write("keeper-fails", "");
  Start();
  Await("no-keeper:integrity_failure");
  StopAndExpectAllGone();
}

TEST_F(SupervisorTest, TheDeathOfTheSupervisorEndsAll) {
  Start();
  Await("keeper-done");
  const std::vector<std::pair<std::string, pid_t>> notes = Notes();
  ::kill(supervisor_, SIGKILL);
  EXPECT_EQ(AwaitEnd(), -1);
  for (const auto& [word, pid] : notes) {
    AwaitGone(pid);
  }
}

TEST_F(SupervisorTest, ASecondServerIsRefusedWithTheFirstOnesNumber) {
  Result<UniqueFd> first = LockDeployment(deployment_);
  ASSERT_TRUE(first.has_value());
  Result<UniqueFd> second = LockDeployment(deployment_);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  EXPECT_TRUE(second.error().message.contains("process " + std::to_string(::getpid())))
      << second.error().message;
  first->Reset();
  EXPECT_TRUE(LockDeployment(deployment_).has_value());
}

TEST_F(SupervisorTest, SocketsAreMadeUnderLongPathsAndReplaceStaleOnes) {
  const fs::path deep = deployment_ / std::string(100, 'x') / std::string(100, 'y');
  fs::create_directories(deep / "run");
  for (int i = 0; i < 2; ++i) {
    Result<UniqueFd> socket = ListenUnix(deep, "admin.sock", SOCK_STREAM);
    ASSERT_TRUE(socket.has_value()) << socket.error().message;
    struct stat info{};
    ASSERT_EQ(::stat((deep / "run" / "admin.sock").c_str(), &info), 0);
    EXPECT_TRUE(S_ISSOCK(info.st_mode));
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
  }
}

TEST_F(SupervisorTest, APortThatIsTakenIsNamed) {
  const UniqueFd first = ListenTcp("127.0.0.1", 0).value();
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  ASSERT_EQ(::getsockname(first.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::uint16_t port = ntohs(address.sin_port);
  Result<UniqueFd> second = ListenTcp("127.0.0.1", port);
  ASSERT_FALSE(second.has_value());
  EXPECT_TRUE(second.error().message.contains(std::to_string(port))) << second.error().message;
  EXPECT_FALSE(ListenTcp("localhost", 0).has_value());
}

TEST(DescribeStatusTest, SignalsHaveTheirNames) {
  EXPECT_EQ(DescribeStatus(SIGSEGV), "signal 11 (SEGV)");
  EXPECT_EQ(DescribeStatus(3 << 8), "exit status 3");
  EXPECT_TRUE(DescribeStatus(SIGSYS).contains("sandbox"));
}

TEST(ModelsTest, SealedWeightsCannotBeChanged) {
  std::string pattern = testing::TempDir() + "casemate-models-XXXXXX";
  const fs::path folder = ::mkdtemp(pattern.data());
  std::ofstream(folder / (std::string(kWeights) + ".gguf")) << "weights";
  Models models(folder);
  {
    Models::Load load = models.Begin(kWeights).value();
    ASSERT_EQ(::write(load.memfd.get(), "weights", 7), 7);
  }
  ASSERT_TRUE(models.Finish(kWeights, 7).has_value());
  UniqueFd weights = models.Open(kWeights).value();
  ASSERT_TRUE(weights.valid());
  EXPECT_NE(::fcntl(weights.get(), F_GET_SEALS) & F_SEAL_WRITE, 0);
  EXPECT_LT(::pwrite(weights.get(), "x", 1, 0), 0);
  EXPECT_FALSE(Reopen(weights, O_RDWR).has_value() &&
               ::pwrite(Reopen(weights, O_RDWR)->get(), "x", 1, 0) >= 0);
  EXPECT_NE(::mmap(nullptr, 7, PROT_READ, MAP_SHARED, weights.get(), 0), MAP_FAILED);
  EXPECT_FALSE(models.Open(std::string(64, '2'))->valid());
  fs::remove_all(folder);
}

TEST(ModelsTest, AWriterThatIsStillThereOrAnotherSizeIsRefused) {
  std::string pattern = testing::TempDir() + "casemate-models-XXXXXX";
  const fs::path folder = ::mkdtemp(pattern.data());
  std::ofstream(folder / (std::string(kWeights) + ".gguf")) << "weights";
  Models models(folder);
  Models::Load load = models.Begin(kWeights).value();
  ASSERT_EQ(::write(load.memfd.get(), "weights", 7), 7);
  void* mapped = ::mmap(nullptr, 7, PROT_READ | PROT_WRITE, MAP_SHARED, load.memfd.get(), 0);
  ASSERT_NE(mapped, MAP_FAILED);
  EXPECT_FALSE(models.Finish(kWeights, 7).has_value());  // it could still be changed
  ::munmap(mapped, 7);

  ASSERT_TRUE(models.Begin(kWeights).has_value());
  EXPECT_EQ(models.Finish(kWeights, 6).error().code, ErrorCode::kIntegrityFailure);
  EXPECT_EQ(models.Finish(kWeights, 7).error().code, ErrorCode::kNotFound);
  fs::remove_all(folder);
}

TEST(ModelsTest, OnlyADigestBecomesAPath) {
  EXPECT_TRUE(IsDigest(kWeights));
  for (const std::string& text :
       {std::string(), std::string(63, 'a'), std::string(65, 'a'), std::string(64, 'A'),
        std::string(63, 'a') + "/", "../" + std::string(61, 'a')}) {
    EXPECT_FALSE(IsDigest(text)) << text;
  }
}

}  // namespace
}  // namespace casemate::app
