// Builds zip archives of stored entries by hand, right or wrong.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pomona::test {

class ZipBuilder {
 public:
  std::uint16_t method = 0, flags = 0;  // of every entry
  std::string local_name;               // in place of the true one, if not empty

  ZipBuilder& add(std::string name, std::string data) {
    entries_.emplace_back(std::move(name), std::move(data));
    return *this;
  }

  std::string bytes() const {
    std::string file, directory;
    for (const auto& [name, data] : entries_) {
      const std::size_t offset = file.size();
      const std::string_view shown = local_name.empty() ? std::string_view(name) : local_name;
      file += "PK\x03\x04" + number<2>(20) + number<2>(flags) + number<2>(method) + number<8>(0) +
              number<4>(data.size()) + number<4>(data.size()) + number<2>(shown.size()) +
              number<2>(0);
      file += shown;
      file += data;
      directory += "PK\x01\x02" + number<4>(20) + number<2>(flags) + number<2>(method) +
                   number<8>(0) + number<4>(data.size()) + number<4>(data.size()) +
                   number<2>(name.size()) + number<4>(0) + number<8>(0) + number<4>(offset) + name;
    }
    const std::string end = "PK\x05\x06" + number<4>(0) + number<2>(entries_.size()) +
                            number<2>(entries_.size()) + number<4>(directory.size()) +
                            number<4>(file.size()) + number<2>(0);
    return file + directory + end;
  }

  /// Little-endian, of `size` bytes.
  template <int size>
  static std::string number(std::uint64_t value) {
    std::string bytes;
    for (int i = 0; i < size; ++i) bytes += static_cast<char>(value >> (8 * i));
    return bytes;
  }

 private:
  std::vector<std::pair<std::string, std::string>> entries_;
};

/// The archive that torch.save would write around this pickle and these storages.
inline std::string torch_archive(std::string pickle,
                                 const std::vector<std::pair<std::string, std::string>>& storages) {
  ZipBuilder zip;
  zip.add("archive/data.pkl", std::move(pickle));
  for (const auto& [key, data] : storages) zip.add("archive/data/" + key, data);
  return zip.bytes();
}

}  // namespace pomona::test
