// What keeps secrets out of logs is that writing one does not compile. These checks fail the build
// when a conversion, a formatter or a stream operator comes into being.
#include <gtest/gtest.h>

#include <concepts>
#include <format>
#include <ostream>
#include <string>
#include <string_view>

#include "base/log.h"
#include "secmem/key.h"
#include "secmem/plaintext.h"
#include "secmem/secret_buffer.h"

namespace casemate {
namespace {

template <typename T>
concept Formattable = std::formattable<T, char>;
template <typename T>
concept Streamable = requires(std::ostream& out, const T& value) { out << value; };
template <typename T>
concept BecomesText =
    std::convertible_to<const T&, std::string_view> || std::constructible_from<std::string, T> ||
    std::constructible_from<std::string_view, const T&>;
template <typename T>
concept Loggable = std::constructible_from<LogField, std::string_view, const T&>;
template <typename T>
concept Appendable = requires(std::string& text, const T& value) { text += value; };
template <typename T>
concept Printable =
    Formattable<T> || Streamable<T> || BecomesText<T> || Loggable<T> || Appendable<T>;

// The controls: the concepts do find what is printable.
static_assert(Formattable<std::string_view> && Streamable<std::string_view> &&
              BecomesText<std::string_view> && Loggable<std::string_view> &&
              Appendable<std::string_view>);

static_assert(!Printable<PlaintextView>);
static_assert(!Printable<Plaintext>);
static_assert(!Printable<TokenBuffer>);
static_assert(!Printable<KeyView>);
static_assert(!Printable<Key>);
static_assert(!Printable<SecretBuffer>);

template <typename T>
concept Duplicable = std::copy_constructible<T> || std::is_copy_assignable_v<T>;
static_assert(!Duplicable<Plaintext> && !Duplicable<Key> && !Duplicable<SecretBuffer> &&
              !Duplicable<TokenBuffer>);

TEST(UnprintableTest, TextBecomesPlaintextOnlyByName) {
  EXPECT_FALSE((std::convertible_to<std::string, PlaintextView>));
  EXPECT_FALSE((std::convertible_to<std::string_view, Plaintext>));
}

}  // namespace
}  // namespace casemate
