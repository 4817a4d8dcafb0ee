// SHA-256 (FIPS 180-4) by OpenSSL: the identity of files and artefacts; and the name that Git gives
// a file.
#pragma once
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace pomona {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  Sha256& update(std::span<const std::byte> bytes);
  Sha256& update(std::string_view text);

  /// The digest of all bytes so far as 64 lower-case hexadecimal digits; more may be added
  /// afterwards.
  std::string hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256_hex(std::string_view text);

/// The digest of a file's bytes. Throws not_found or io.
std::string sha256_file(const std::filesystem::path& path);

/// The name that Git gives a file's bytes: SHA-1 over "blob SIZE", a zero byte and them, as 40
/// hexadecimal digits. Throws not_found or io.
std::string git_blob_name(const std::filesystem::path& path);

}  // namespace pomona
