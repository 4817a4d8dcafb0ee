#include "store/gguf_writer.h"

#include <bit>
#include <type_traits>

#include "base/error.h"
#include "base/quote.h"

namespace pomona::store {
namespace {

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void put_string(std::string& out, std::string_view text) {
  put<std::uint64_t>(out, text.size());
  out += text;
}

void put_array(std::string& out, const GgufArray& array) {
  put(out, static_cast<std::uint32_t>(array.type));
  put<std::uint64_t>(out, array.count);
  out.append(reinterpret_cast<const char*>(array.packed.data()), array.packed.size());
  for (const std::string_view text : array.strings) put_string(out, text);
  for (const GgufArray& inner : array.arrays) put_array(out, inner);
}

void put_value(std::string& out, const GgufValue& value) {
  put(out, static_cast<std::uint32_t>(type_of(value)));
  std::visit(
      [&](const auto& x) {
        using T = std::decay_t<decltype(x)>;
        if constexpr (std::is_same_v<T, std::string_view>) {
          put_string(out, x);
        } else if constexpr (std::is_same_v<T, GgufArray>) {
          put_array(out, x);
        } else {
          put(out, x);
        }
      },
      value);
}

std::uint64_t aligned(std::uint64_t size, std::uint64_t alignment) {
  return (size + alignment - 1) / alignment * alignment;
}

}  // namespace

GgufWriter::GgufWriter(const std::filesystem::path& path) : path_(path), file_(path) {}

void GgufWriter::add(std::string_view key, const GgufValue& value) {
  if (header_written_)
    fail(ErrorKind::bad_argument, "write GGUF: {}: key {} added after the data began",
         path_.string(), quote_name(key));
  if (key.empty() || !keys_.insert(std::string(key)).second)
    fail(ErrorKind::bad_argument, "write GGUF: {}: key {} is empty or added twice", path_.string(),
         quote_name(key));
  if (key == "general.alignment") {
    const auto* alignment = std::get_if<std::uint32_t>(&value);
    if (alignment == nullptr || !std::has_single_bit(*alignment) ||
        *alignment > kLargestGgufAlignment)
      fail(ErrorKind::bad_argument, "write GGUF: {}: the alignment must be a power of two as u32",
           path_.string());
    alignment_ = *alignment;
  }
  put_string(pairs_, key);
  put_value(pairs_, value);
  ++pair_count_;
}

void GgufWriter::declare(std::string_view name, std::span<const std::int64_t> dims, DType dtype) {
  const DTypeInfo& type = info(dtype);
  std::int64_t count = 1;
  for (const std::int64_t dim : dims) count *= dim;
  if (dims.empty() ? type.block != 1 : dims[0] % type.block != 0)
    fail(ErrorKind::bad_argument,
         "write GGUF: {}: tensor {}: its rows do not divide into {} blocks of {}", path_.string(),
         quote_name(name), type.name, type.block);
  declare(name, dims, static_cast<std::uint32_t>(type.gguf_type),
          static_cast<std::uint64_t>(bytes_of(dtype, count)));
}

void GgufWriter::declare(std::string_view name, std::span<const std::int64_t> dims,
                         std::uint32_t gguf_type, std::uint64_t size) {
  if (header_written_)
    fail(ErrorKind::bad_argument, "write GGUF: {}: tensor {} declared after the data began",
         path_.string(), quote_name(name));
  if (name.empty() || !names_.insert(std::string(name)).second)
    fail(ErrorKind::bad_argument, "write GGUF: {}: tensor {} has no name or is declared twice",
         path_.string(), quote_name(name));
  tensors_.push_back({std::string(name), {dims.begin(), dims.end()}, gguf_type, size});
}

void GgufWriter::write_header() {
  std::string head = "GGUF";
  put<std::uint32_t>(head, 3);
  put<std::uint64_t>(head, tensors_.size());
  put<std::uint64_t>(head, pair_count_);
  head += pairs_;
  std::uint64_t offset = 0;
  for (const Declared& tensor : tensors_) {
    put_string(head, tensor.name);
    put(head, static_cast<std::uint32_t>(tensor.dims.size()));
    for (const std::int64_t dim : tensor.dims) put(head, dim);
    put(head, tensor.gguf_type);
    put(head, offset);
    offset = aligned(offset + tensor.size, alignment_);
  }
  file_.write(head);
  pad(head.size());
  header_written_ = true;
  skip_complete();
}

void GgufWriter::pad(std::uint64_t written) {
  file_.write(std::string(aligned(written, alignment_) - written, '\0'));
}

void GgufWriter::skip_complete() {
  while (current_ < tensors_.size() && received_ == tensors_[current_].size) {
    pad(received_);
    received_ = 0;
    ++current_;
  }
}

void GgufWriter::write_data(std::string_view name, std::span<const std::byte> part) {
  if (!header_written_) write_header();
  if (part.empty()) return;
  if (current_ == tensors_.size() || tensors_[current_].name != name)
    fail(
        ErrorKind::bad_argument, "write GGUF: {}: data of tensor {} came when {} was expected",
        path_.string(), quote_name(name),
        current_ == tensors_.size() ? std::string("no more") : quote_name(tensors_[current_].name));
  if (part.size() > tensors_[current_].size - received_)
    fail(ErrorKind::bad_argument, "write GGUF: {}: tensor {} got more than its {} bytes",
         path_.string(), quote_name(name), tensors_[current_].size);
  file_.write(part);
  received_ += part.size();
  skip_complete();
}

void GgufWriter::commit() {
  if (!header_written_) write_header();
  if (current_ != tensors_.size())
    fail(ErrorKind::bad_argument, "write GGUF: {}: the data of tensor {} is not complete",
         path_.string(), quote_name(tensors_[current_].name));
  file_.commit();
}

}  // namespace pomona::store
