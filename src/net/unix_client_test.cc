#include "net/unix_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace casemate::net {
namespace {

// A server of canned answers in a folder of its own: `serve` runs once for each connection, with
// what arrived up to the end of the head.
class CannedServer {
 public:
  using Serve = std::function<void(int socket, const std::string& head)>;

  CannedServer(std::vector<Serve> connections, std::string deep = {}) {
    std::string pattern = ::testing::TempDir() + "/casemate-client-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    std::filesystem::path place = folder_ / deep;
    std::filesystem::create_directories(place);
    listener_ = UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    // Bound under a short name and moved, because the address is too short for a deep folder.
    sockaddr_un name{.sun_family = AF_UNIX, .sun_path = {}};
    const std::string short_path = (folder_ / "s").string();
    std::strncpy(name.sun_path, short_path.c_str(), sizeof(name.sun_path) - 1);
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&name), sizeof(name)), 0);
    EXPECT_EQ(::listen(listener_.get(), 8), 0);
    path_ = place / "admin.sock";
    std::filesystem::rename(short_path, path_);
    thread_ = std::thread([this, connections = std::move(connections)] {
      for (const Serve& serve : connections) {
        const UniqueFd socket(::accept(listener_.get(), nullptr, nullptr));
        serve(socket.get(), ReadHead(socket.get()));
      }
    });
  }
  ~CannedServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
    std::filesystem::remove_all(folder_);
  }
  const std::filesystem::path& path() const { return path_; }

  static std::string ReadHead(int socket) {
    std::string head;
    char byte = 0;
    while (!head.ends_with("\r\n\r\n") && ::recv(socket, &byte, 1, 0) == 1) {
      head += byte;
    }
    return head;
  }
  static void Write(int socket, std::string_view text) {
    EXPECT_EQ(::send(socket, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }

 private:
  std::filesystem::path folder_;
  std::filesystem::path path_;
  UniqueFd listener_;
  std::thread thread_;
};

TEST(HttpClientTest, SendsARequestAndReadsTheAnswer) {
  std::string seen;
  CannedServer server({[&seen](int socket, const std::string& head) {
    seen = head;
    char body[5];
    EXPECT_EQ(::recv(socket, body, sizeof(body), MSG_WAITALL), 5);
    seen += std::string(body, sizeof(body));
    CannedServer::Write(socket, "HTTP/1.1 201 Created\r\nX-One: 1\r\ncontent-length: 2\r\n\r\nok");
  }});
  Result<HttpClient> client = HttpClient::Connect(server.path());
  ASSERT_TRUE(client.has_value()) << client.error().message;
  Result<ClientResponse> response =
      client->Send({.method = "POST",
                    .target = "/v1/files",
                    .headers = {{.name = "x-casemate-tenant", .value = "default"}},
                    .body = PlaintextView::Of("hello")});
  ASSERT_TRUE(response.has_value()) << response.error().message;
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->body.view().Reveal(), "ok");
  ASSERT_NE(response->Find("x-one"), nullptr);
  EXPECT_EQ(*response->Find("x-one"), "1");
  EXPECT_EQ(seen,
            "POST /v1/files HTTP/1.1\r\nhost: casemate\r\nx-casemate-tenant: default\r\n"
            "content-length: 5\r\n\r\nhello");
}

TEST(HttpClientTest, KeepsTheConnectionAndMakesItAnewWhenTheServerClosed) {
  const auto answer_twice = [](int socket, const std::string&) {
    CannedServer::Write(socket, "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1");
    CannedServer::ReadHead(socket);
    CannedServer::Write(socket,
                        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: close\r\n\r\n2");
  };
  const auto answer = [](int socket, const std::string&) {
    CannedServer::Write(socket, "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n3");
  };
  CannedServer server({answer_twice, answer});
  Result<HttpClient> client = HttpClient::Connect(server.path());
  ASSERT_TRUE(client.has_value());
  for (const char* expected : {"1", "2", "3"}) {
    Result<ClientResponse> response = client->Send({.target = "/"});
    ASSERT_TRUE(response.has_value()) << response.error().message;
    EXPECT_EQ(response->body.view().Reveal(), expected);
  }
}

TEST(HttpClientTest, HandsOverTheEventsOfAStreamAsTheyCome) {
  CannedServer server({[](int socket, const std::string&) {
    CannedServer::Write(socket,
                        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
                        "transfer-encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n");
    CannedServer::Write(socket, "9\r\ndata: 2\n\n\r\n0\r\n\r\n");
  }});
  Result<HttpClient> client = HttpClient::Connect(server.path());
  ASSERT_TRUE(client.has_value());
  std::string events;
  Result<ClientResponse> response =
      client->SendStreaming({.target = "/"}, [&](PlaintextView piece) -> Result<void> {
        events += piece.Reveal();
        return {};
      });
  ASSERT_TRUE(response.has_value()) << response.error().message;
  EXPECT_EQ(response->status, 200);
  EXPECT_TRUE(response->body.empty());
  EXPECT_EQ(events, "data: 1\n\ndata: 2\n\n");
}

TEST(HttpClientTest, ARefusedStreamComesBackWhole) {
  CannedServer server({[](int socket, const std::string&) {
    CannedServer::Write(socket, "HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\ngone");
  }});
  Result<HttpClient> client = HttpClient::Connect(server.path());
  ASSERT_TRUE(client.has_value());
  bool called = false;
  Result<ClientResponse> response =
      client->SendStreaming({.target = "/"}, [&](PlaintextView) -> Result<void> {
        called = true;
        return {};
      });
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 404);
  EXPECT_EQ(response->body.view().Reveal(), "gone");
  EXPECT_FALSE(called);
}

TEST(HttpClientTest, AnErrorOfThePieceHandlerEndsTheStream) {
  CannedServer server({[](int socket, const std::string&) {
    CannedServer::Write(socket, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n");
    char byte = 0;
    EXPECT_LE(::recv(socket, &byte, 1, 0), 0);  // the client hangs up
  }});
  Result<HttpClient> client = HttpClient::Connect(server.path());
  ASSERT_TRUE(client.has_value());
  Result<ClientResponse> response = client->SendStreaming(
      {.target = "/"},
      [](PlaintextView) -> Result<void> { return Fail(ErrorCode::kCancelled, "enough"); });
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().code, ErrorCode::kCancelled);
}

TEST(HttpClientTest, ReadsARefusalThatComesBeforeTheBodyWasSent) {
  CannedServer server({[](int socket, const std::string&) {
    CannedServer::Write(socket,
                        "HTTP/1.1 413 Content Too Large\r\nconnection: close\r\n"
                        "content-length: 3\r\n\r\nbig");
  }});
  Result<HttpClient> client = HttpClient::Connect(server.path());
  ASSERT_TRUE(client.has_value());
  const Plaintext body = Plaintext::Zeroed(8 * 1024 * 1024);  // more than the socket buffers
  Result<ClientResponse> response =
      client->Send({.method = "POST", .target = "/", .headers = {}, .body = body});
  ASSERT_TRUE(response.has_value()) << response.error().message;
  EXPECT_EQ(response->status, 413);
  EXPECT_EQ(response->body.view().Reveal(), "big");
}

TEST(HttpClientTest, SkipsAnInterimAnswer) {
  CannedServer server({[](int socket, const std::string&) {
    CannedServer::Write(socket,
                        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"
                        "content-length: 2\r\n\r\nok");
  }});
  Result<HttpClient> client = HttpClient::Connect(server.path());
  ASSERT_TRUE(client.has_value());
  Result<ClientResponse> response = client->Send({.target = "/"});
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body.view().Reveal(), "ok");
}

TEST(HttpClientTest, AnAnswerThatIsCutOffIsAnError) {
  CannedServer server({[](int socket, const std::string&) {
    CannedServer::Write(socket, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab");
  }});
  Result<HttpClient> client = HttpClient::Connect(server.path());
  ASSERT_TRUE(client.has_value());
  Result<ClientResponse> response = client->Send({.target = "/"});
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().code, ErrorCode::kUnavailable);
}

TEST(HttpClientTest, SilenceOfTheServerHasAnEnd) {
  CannedServer server({[](int socket, const std::string&) {
    char byte = 0;
    EXPECT_LE(::recv(socket, &byte, 1, 0), 0);
  }});
  Result<HttpClient> client =
      HttpClient::Connect(server.path(), {.stall_timeout = std::chrono::milliseconds(20)});
  ASSERT_TRUE(client.has_value());
  Result<ClientResponse> response = client->Send({.target = "/"});
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().code, ErrorCode::kDeadlineExceeded);
}

TEST(HttpClientTest, ConnectsToASocketDeeperThanAnAddressIsLong) {
  std::string deep;
  for (int i = 0; i < 20; ++i) {
    deep += "a-folder-with-a-name/";
  }
  CannedServer server({[](int socket, const std::string&) {
                        CannedServer::Write(socket, "HTTP/1.1 204 No Content\r\n\r\n");
                      }},
                      deep);
  ASSERT_GT(server.path().string().size(), 400u);
  Result<HttpClient> client = HttpClient::Connect(server.path());
  ASSERT_TRUE(client.has_value()) << client.error().message;
  Result<ClientResponse> response = client->Send({.target = "/"});
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 204);
}

TEST(HttpClientTest, NamesWhatIsMissing) {
  Result<HttpClient> client = HttpClient::Connect("/no/such/folder/admin.sock");
  ASSERT_FALSE(client.has_value());
  EXPECT_EQ(client.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(client.error().message, ::testing::HasSubstr("/no/such/folder"));
}

TEST(HttpClientTest, RefusesALineBreakInAHeader) {
  CannedServer server({[](int, const std::string&) {}});
  Result<HttpClient> client = HttpClient::Connect(server.path());
  ASSERT_TRUE(client.has_value());
  Result<ClientResponse> response =
      client->Send({.target = "/", .headers = {{.name = "x", .value = "a\r\nb: c"}}});
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace casemate::net
