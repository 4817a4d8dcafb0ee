#include "base/toml.h"

#include <toml++/toml.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "base/file.h"
#include "base/quote.h"
#include "base/text.h"

namespace pomona {
namespace {

constexpr std::string_view kOverride = "--set ";

/// What an override is called in messages: "--set tune.lora.rank=16".
std::string override_name(std::string_view key, std::string_view value) {
  constexpr std::size_t kMost = 60;
  const std::string whole = fmt::format("{}{}={}", kOverride, key, printable(value, true));
  return whole.size() <= kMost + key.size() ? whole : fmt::format("{}{}", kOverride, key);
}

struct Document {
  std::string origin;
  ErrorKind kind;
  toml::table root;
};

/// "app.toml:12"; "--set key=value" for an override; the origin alone for something that stands in
/// no line.
std::string position(const Document& document, const toml::source_region& source) {
  if (source.path && source.path->starts_with(kOverride)) return *source.path;
  return source.begin.line == 0 ? document.origin
                                : fmt::format("{}:{}", document.origin, source.begin.line);
}

std::string_view kind_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a text";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

// How each type is read from a node, and what it is called in "expected ...".
template <class T>
struct Reader;

template <>
struct Reader<bool> {
  static constexpr std::string_view kExpected = "true or false";
  static std::optional<bool> read(const toml::node& node) { return node.value_exact<bool>(); }
};

template <>
struct Reader<std::int64_t> {
  static constexpr std::string_view kExpected = "a whole number";
  static std::optional<std::int64_t> read(const toml::node& node) {
    return node.value_exact<std::int64_t>();
  }
};

template <>
struct Reader<int> {
  static constexpr std::string_view kExpected = "a whole number of at most 31 bits";
  static std::optional<int> read(const toml::node& node) {
    const auto value = node.value_exact<std::int64_t>();
    if (!value || *value != static_cast<int>(*value)) return std::nullopt;
    return static_cast<int>(*value);
  }
};

template <>
struct Reader<double> {
  static constexpr std::string_view kExpected = "a number";
  static std::optional<double> read(const toml::node& node) {
    if (!node.is_number()) return std::nullopt;
    return node.value<double>();
  }
};

template <>
struct Reader<std::string> {
  static constexpr std::string_view kExpected = "a text in quotes";
  static std::optional<std::string> read(const toml::node& node) {
    return node.value_exact<std::string>();
  }
};

template <class T>
struct Reader<std::vector<T>> {
  static constexpr std::string_view kExpected = std::is_same_v<T, std::string> ? "a list of texts"
                                                : std::is_same_v<T, double>
                                                    ? "a list of numbers"
                                                    : "a list of whole numbers";
  static std::optional<std::vector<T>> read(const toml::node& node) {
    const toml::array* array = node.as_array();
    if (array == nullptr) return std::nullopt;
    std::vector<T> values;
    for (const toml::node& element : *array) {
      auto value = Reader<T>::read(element);
      if (!value) return std::nullopt;
      values.push_back(std::move(*value));
    }
    return values;
  }
};

toml::table parse_document(std::string_view text, std::string_view origin, ErrorKind kind) {
  try {
    return toml::parse(text, origin);
  } catch (const toml::parse_error& error) {
    fail(kind, "{}:{}: not valid TOML: {}", origin, error.source().begin.line, error.description());
  }
}

/// The value of a `--set`: TOML if it is that, else the text itself. The document holds it as "v",
/// and its nodes know that they come from `origin`.
toml::table parse_override(std::string_view value, std::string_view origin) {
  toml::table parsed;
  try {
    parsed = toml::parse("v = " + std::string(value), origin);
  } catch (const toml::parse_error&) {
    parsed.clear();  // a text without quotes
  }
  if (parsed.size() == 1) return parsed;
  // Written and read again, so that the value knows where it comes from.
  std::ostringstream written;
  written << toml::table{{"v", std::string(value)}};
  return toml::parse(written.str(), origin);
}

}  // namespace

struct TomlTable::Node : std::enable_shared_from_this<Node> {
  std::shared_ptr<Document> document;
  std::weak_ptr<const Node> above;
  toml::table* table = nullptr;  // null: absent, as good as empty
  std::string name;              // empty for the root
  std::string path;              // dotted; empty for the root
  std::set<std::string, std::less<>> asked;
  std::map<std::string, std::shared_ptr<Node>, std::less<>> children;
  std::map<std::string, std::vector<std::shared_ptr<Node>>, std::less<>> lists;

  const toml::node* ask(std::string_view key) {
    asked.emplace(key);
    return table == nullptr ? nullptr : table->get(key);
  }

  std::shared_ptr<Node> child(std::string_view key, toml::table* below) const {
    auto node = std::make_shared<Node>();
    node->document = document;
    node->above = weak_from_this();
    node->table = below;
    node->name = key;
    node->path = path.empty() ? std::string(key) : path + "." + std::string(key);
    return node;
  }

  std::string bracketed() const { return path.empty() ? "" : "[" + path + "] "; }

  [[noreturn]] void refuse(const toml::key& key, const toml::node& value,
                           std::string_view instead) const {
    fail(document->kind, "{}: {}unknown key \"{}\"; {}",
         position(*document, key.source().begin.line == 0 ? value.source() : key.source()),
         bracketed(), key.str(), instead);
  }

  /// Fails if a key that nobody has asked for looks like `wanted`.
  void refuse_misspelt(std::string_view wanted) const {
    std::vector<std::string> unknown;
    for (const auto& [key, value] : *table) {
      if (!asked.contains(key.str())) unknown.emplace_back(key.str());
    }
    const auto typed = nearest(wanted, unknown);
    if (!typed) return;
    const auto found = table->find(*typed);
    refuse(found->first, found->second, fmt::format("did you mean \"{}\"?", wanted));
  }

  void check() const {
    if (table == nullptr) return;
    for (const auto& [key, value] : *table) {
      if (asked.contains(key.str())) continue;
      const std::vector<std::string> known(asked.begin(), asked.end());
      const auto meant = nearest(key.str(), known);
      refuse(key, value,
             meant           ? fmt::format("did you mean \"{}\"?", *meant)
             : known.empty() ? "none is known here"
                             : fmt::format("known here: {}", fmt::join(known, ", ")));
    }
    for (const auto& [key, node] : children) node->check();
    for (const auto& [key, nodes] : lists) {
      for (const auto& node : nodes) node->check();
    }
  }
};

TomlTable TomlTable::read(const std::filesystem::path& path, ErrorKind kind) {
  return parse(read_file(path), path.string(), kind);
}

TomlTable TomlTable::parse(std::string_view text, std::string_view origin, ErrorKind kind) {
  auto document = std::make_shared<Document>();
  document->origin = origin;
  document->kind = kind;
  document->root = parse_document(text, origin, kind);
  auto node = std::make_shared<Node>();
  node->table = &document->root;
  node->document = std::move(document);
  return TomlTable(std::move(node));
}

void TomlTable::set(std::string_view dotted_key, std::string_view value) {
  check_utf8(dotted_key, "--set: the key");
  check_utf8(value, fmt::format("--set: {}: the value", dotted_key));
  const std::string origin = override_name(dotted_key, value);
  const auto parts = split(dotted_key, '.');
  toml::table* table = node_->table;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (trim(parts[i]).empty() || table == nullptr)
      fail(ErrorKind::bad_argument, "--set: \"{}\" is no dotted key such as tune.lora.rank",
           dotted_key);
    if (i + 1 == parts.size()) break;
    toml::table made = parse_override("{}", origin);
    const auto [place, added] =
        table->insert(trim(parts[i]), std::move(*made.get("v")->as_table()));
    if (!place->second.is_table())
      fail(ErrorKind::bad_argument, "--set: {}: \"{}\" is {}, not a table", dotted_key, parts[i],
           kind_of(place->second));
    table = place->second.as_table();
  }
  toml::table parsed = parse_override(value, origin);
  parsed.get("v")->visit(
      [&](auto& node) { table->insert_or_assign(trim(parts.back()), std::move(node)); });
}

template <class T>
T TomlTable::get(std::string_view key) const {
  if (auto value = find<T>(key)) return std::move(*value);
  missing(key, fmt::format("expected {}", Reader<T>::kExpected));
}

template <class T>
std::optional<T> TomlTable::find(std::string_view key) const {
  const toml::node* node = node_->ask(key);
  if (node == nullptr) return std::nullopt;
  if (auto value = Reader<T>::read(*node)) return value;
  reject(key, "expected {}, found {}", Reader<T>::kExpected, kind_of(*node));
}

template bool TomlTable::get<bool>(std::string_view) const;
template int TomlTable::get<int>(std::string_view) const;
template std::int64_t TomlTable::get<std::int64_t>(std::string_view) const;
template double TomlTable::get<double>(std::string_view) const;
template std::string TomlTable::get<std::string>(std::string_view) const;
template std::vector<std::string> TomlTable::get<std::vector<std::string>>(std::string_view) const;
template std::vector<std::int64_t> TomlTable::get<std::vector<std::int64_t>>(
    std::string_view) const;
template std::vector<double> TomlTable::get<std::vector<double>>(std::string_view) const;
template std::optional<bool> TomlTable::find<bool>(std::string_view) const;
template std::optional<int> TomlTable::find<int>(std::string_view) const;
template std::optional<std::int64_t> TomlTable::find<std::int64_t>(std::string_view) const;
template std::optional<double> TomlTable::find<double>(std::string_view) const;
template std::optional<std::string> TomlTable::find<std::string>(std::string_view) const;
template std::optional<std::vector<std::string>> TomlTable::find<std::vector<std::string>>(
    std::string_view) const;
template std::optional<std::vector<std::int64_t>> TomlTable::find<std::vector<std::int64_t>>(
    std::string_view) const;
template std::optional<std::vector<double>> TomlTable::find<std::vector<double>>(
    std::string_view) const;

std::optional<std::vector<std::string>> TomlTable::find_texts(std::string_view key) const {
  const toml::node* node = node_->ask(key);
  if (node == nullptr) return std::nullopt;
  if (auto text = Reader<std::string>::read(*node)) return std::vector{std::move(*text)};
  if (auto texts = Reader<std::vector<std::string>>::read(*node)) return texts;
  reject(key, "expected a text in quotes or a list of them, found {}", kind_of(*node));
}

TomlTable TomlTable::table(std::string_view key) const {
  const auto known = node_->children.find(key);
  if (known != node_->children.end()) return TomlTable(known->second);
  node_->ask(key);
  toml::node* value = node_->table == nullptr ? nullptr : node_->table->get(key);
  if (value != nullptr && !value->is_table())
    reject(key, "expected a table, found {}", kind_of(*value));
  auto child = node_->child(key, value == nullptr ? nullptr : value->as_table());
  node_->children[std::string(key)] = child;
  return TomlTable(std::move(child));
}

std::vector<TomlTable> TomlTable::tables(std::string_view key) const {
  if (!node_->lists.contains(key)) {
    node_->ask(key);
    std::vector<std::shared_ptr<Node>> nodes;
    toml::node* value = node_->table == nullptr ? nullptr : node_->table->get(key);
    if (value != nullptr) {
      if (!value->is_array_of_tables())
        reject(key, "expected [[{}]], found {}", key, kind_of(*value));
      for (toml::node& element : *value->as_array())
        nodes.push_back(node_->child(key, element.as_table()));
    }
    node_->lists[std::string(key)] = std::move(nodes);
  }
  std::vector<TomlTable> tables;
  for (const auto& node : node_->lists.find(key)->second) tables.push_back(TomlTable(node));
  return tables;
}

bool TomlTable::has(std::string_view key) const { return node_->ask(key) != nullptr; }

std::string TomlTable::where(std::string_view key) const {
  const toml::node* at = node_->table;
  if (node_->table != nullptr && node_->table->get(key) != nullptr) at = node_->table->get(key);
  return fmt::format("{}: {}{}",
                     position(*node_->document, at ? at->source() : toml::source_region{}),
                     node_->bracketed(), key);
}

void TomlTable::missing(std::string_view key, std::string_view why) const {
  if (node_->table != nullptr) {
    node_->refuse_misspelt(key);
  } else if (const auto above = node_->above.lock(); above != nullptr && above->table != nullptr) {
    above->refuse_misspelt(node_->name);
  }
  reject(key, "is missing; {}", why);
}

void TomlTable::finish() const { node_->check(); }

ErrorKind TomlTable::kind() const { return node_->document->kind; }

}  // namespace pomona
