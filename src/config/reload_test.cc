#include "config/reload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace casemate::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ReloadTest, TheSameFileChangesNothing) {
  DeploymentConfig running;
  const Reloaded reloaded = Reload(DeploymentConfig{}, running);
  EXPECT_THAT(reloaded.applied, IsEmpty());
  EXPECT_THAT(reloaded.need_restart, IsEmpty());
}

TEST(ReloadTest, LimitsGroupsLeasesAndLoggingAreTakenOver) {
  DeploymentConfig loaded;
  loaded.server.max_connections = 7;
  loaded.tls.groups = {"X25519MLKEM768"};
  loaded.custody.lease = std::chrono::milliseconds(5000);
  loaded.log_level = LogLevel::kDebug;
  loaded.log_format = LogFormat::kJson;
  DeploymentConfig running;
  const Reloaded reloaded = Reload(loaded, running);
  EXPECT_THAT(reloaded.applied, ElementsAre("server.max_connections", "tls.groups",
                                            "custody.lease_ms", "log.level", "log.format"));
  EXPECT_EQ(running.server.max_connections, 7U);
  EXPECT_THAT(running.tls.groups, ElementsAre("X25519MLKEM768"));
  EXPECT_EQ(running.custody.lease, std::chrono::milliseconds(5000));
  EXPECT_EQ(running.log_level, LogLevel::kDebug);
  EXPECT_EQ(running.log_format, LogFormat::kJson);
}

TEST(ReloadTest, SocketTokenAndMirrorAreNamedAndLeftAsTheyWere) {
  DeploymentConfig loaded;
  loaded.server.listen = "127.0.0.1:9999";
  loaded.custody.mirror = "/elsewhere";
  loaded.custody.pin_source = PinSource::kCredential;
  DeploymentConfig running;
  const Reloaded reloaded = Reload(loaded, running);
  EXPECT_THAT(reloaded.need_restart,
              ElementsAre("server.listen", "custody.pin_source", "custody.mirror"));
  EXPECT_THAT(reloaded.applied, IsEmpty());
  EXPECT_EQ(running.server.listen, DeploymentConfig{}.server.listen);
  EXPECT_EQ(running.custody.mirror, "");
}

}  // namespace
}  // namespace casemate::config
