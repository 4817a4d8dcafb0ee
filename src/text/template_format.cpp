// Formatting of text in templates: the operator %, str.format and strftime.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "base/error.h"
#include "base/quote.h"
#include "text/template_functions.h"

namespace pomona::text::jinja {
namespace {

constexpr int kWidest = 1000;

/// One conversion of the operator %: %[(key)][flags][width][.precision]letter.
struct Conversion {
  bool left = false;
  bool zero = false;
  bool plus = false;
  bool space = false;
  bool alternate = false;
  int width = 0;
  int precision = -1;
  char letter = 0;
};

class PercentFormatter {
 public:
  PercentFormatter(const std::string& format, const Value& arguments, Budget& budget)
      : format_(format), arguments_(arguments), budget_(budget), out_(budget) {}

  Value run() {
    for (;;) {
      const std::size_t sign = std::min(format_.find('%', at_), format_.size());
      out_.put(std::string_view(format_).substr(at_, sign - at_));
      if (sign == format_.size()) break;
      at_ = sign + 1;
      convert();
    }
    const List* tuple = arguments_.list();
    const bool is_tuple = tuple != nullptr && tuple->tuple;
    const std::size_t given = is_tuple ? tuple->items.size() : arguments_.dict() != nullptr ? 0 : 1;
    if (!by_key_ && next_ < given)
      template_error("not all arguments converted during string formatting");
    return make_string(std::move(out_));
  }

 private:
  char peek() const { return at_ < format_.size() ? format_[at_] : '\0'; }

  void convert() {
    budget_.charge(1);
    std::optional<Value> value;
    if (peek() == '(') {
      const std::size_t end = format_.find(')', at_);
      if (end == std::string::npos) template_error("incomplete format key");
      value = item_of(arguments_, Value(format_.substr(at_ + 1, end - at_ - 1)), budget_);
      require_defined(*value);
      at_ = end + 1;
      by_key_ = true;
    }
    const Conversion conversion = read_conversion();
    if (conversion.letter == '%') {
      out_.put('%');
      return;
    }
    if (!value) value = next_argument();
    put(conversion, *value);
  }

  Conversion read_conversion() {
    Conversion c;
    for (;; ++at_) {
      if (peek() == '-') {
        c.left = true;
      } else if (peek() == '0') {
        c.zero = true;
      } else if (peek() == '+') {
        c.plus = true;
      } else if (peek() == ' ') {
        c.space = true;
      } else if (peek() == '#') {
        c.alternate = true;
      } else {
        break;
      }
    }
    c.width = read_number();
    if (peek() == '.') {
      ++at_;
      c.precision = read_number();
    }
    if (at_ >= format_.size()) template_error("incomplete format");
    c.letter = format_[at_++];
    return c;
  }

  int read_number() {
    int value = 0;
    for (; peek() >= '0' && peek() <= '9'; ++at_) {
      value = value * 10 + (peek() - '0');
      if (value > kWidest) template_error("a format is too wide");
    }
    return value;
  }

  Value next_argument() {
    const List* tuple = arguments_.list();
    if (tuple != nullptr && tuple->tuple) {
      if (next_ >= tuple->items.size()) template_error("not enough arguments for format string");
      return tuple->items[next_++];
    }
    if (next_ > 0) template_error("not enough arguments for format string");
    ++next_;
    return arguments_;
  }

  void put(const Conversion& c, const Value& value) {
    if (c.letter == 's' || c.letter == 'r') {
      budget_.charge(weight_of(value));
      std::string text = c.letter == 's' ? to_text(value, budget_) : to_repr(value, budget_);
      if (c.precision >= 0)
        text.resize(character_offset(text, static_cast<std::size_t>(c.precision)));
      return pad(c, text, character_count(text), false);
    }
    const std::string body = number_text(c, value);
    pad(c, body, body.size(), c.zero && !c.left);
  }

  std::string number_text(const Conversion& c, const Value& value) const {
    constexpr std::string_view kWhole = "diuxXo";
    constexpr std::string_view kReal = "eEfFgG";
    require_defined(value);
    const bool whole = kWhole.find(c.letter) != std::string_view::npos;
    if (!whole && kReal.find(c.letter) == std::string_view::npos)
      template_error(fmt::format("unsupported format character '{}'", c.letter));
    if (!is_numeric(value))
      template_error(
          fmt::format("%{} format: a real number is required, not {}", c.letter, type_name(value)));
    return whole ? whole_text(c, value) : real_text(c, to_double(value));
  }

  static std::string_view sign_of(const Conversion& c, bool negative) {
    return negative ? "-" : c.plus ? "+" : c.space ? " " : "";
  }

  static std::string real_text(const Conversion& c, double number) {
    char buffer[1500];  // the longest: 309 digits, a point and kWidest more
    const char spec[] = {'%', '.', '*', c.letter, '\0'};
    std::snprintf(buffer, sizeof buffer, spec, c.precision < 0 ? 6 : c.precision, std::abs(number));
    return fmt::format("{}{}", sign_of(c, std::signbit(number)), buffer);
  }

  static std::string whole_text(const Conversion& c, const Value& value) {
    const double* real = value.as<double>();
    if (real != nullptr && !(std::abs(*real) < 9e18)) template_error("an integer is too large");
    const std::int64_t number =
        real != nullptr ? static_cast<std::int64_t>(*real) : to_integer(value, "");
    const std::uint64_t magnitude =
        number < 0 ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number);
    const std::string_view sign = sign_of(c, number < 0);
    if (c.letter == 'x') return fmt::format("{}{}{:x}", sign, c.alternate ? "0x" : "", magnitude);
    if (c.letter == 'X') return fmt::format("{}{}{:X}", sign, c.alternate ? "0X" : "", magnitude);
    if (c.letter == 'o') return fmt::format("{}{}{:o}", sign, c.alternate ? "0o" : "", magnitude);
    return fmt::format("{}{}", sign, magnitude);
  }

  void pad(const Conversion& c, const std::string& text, std::size_t size, bool zeros) {
    const std::size_t width = static_cast<std::size_t>(c.width);
    const std::size_t filler = width > size ? width - size : 0;
    const std::size_t sign =
        zeros && !text.empty() && (text[0] == '-' || text[0] == '+' || text[0] == ' ') ? 1 : 0;
    out_.put(std::string_view(text).substr(0, sign));
    if (!c.left) out_.fill(filler, zeros ? '0' : ' ');
    out_.put(std::string_view(text).substr(sign));
    if (c.left) out_.fill(filler, ' ');
  }

  const std::string& format_;
  const Value& arguments_;
  Budget& budget_;
  Writer out_;
  std::size_t at_ = 0;
  std::size_t next_ = 0;
  bool by_key_ = false;
};

constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};

std::tm parse_time(const std::string& iso) {
  std::tm time = {};
  int length = 0;
  const int count =
      std::sscanf(iso.c_str(), "%4d-%2d-%2d%n%*[T ]%2d:%2d:%2d", &time.tm_year, &time.tm_mon,
                  &time.tm_mday, &length, &time.tm_hour, &time.tm_min, &time.tm_sec);
  const bool date_only = count == 3 && static_cast<std::size_t>(length) == iso.size();
  const bool valid = (date_only || count >= 5) && time.tm_year >= 0 && time.tm_mon >= 1 &&
                     time.tm_mon <= 12 && time.tm_mday >= 1 && time.tm_mday <= 31 &&
                     time.tm_hour >= 0 && time.tm_hour < 24 && time.tm_min >= 0 &&
                     time.tm_min < 60 && time.tm_sec >= 0 && time.tm_sec < 61;
  if (!valid)
    fail(ErrorKind::bad_argument, "time \"{}\": expected ISO 8601, for example 2026-01-02T03:04:05",
         iso.substr(0, 40));
  time.tm_year -= 1900;
  time.tm_mon -= 1;
  const std::tm given = time;
  ::timegm(&time);  // fills in the day of the week and of the year
  if (time.tm_mday != given.tm_mday)
    fail(ErrorKind::bad_argument, "time \"{}\": that day is not in the calendar", iso);
  return time;
}

std::string format_field(char letter, const std::tm& t) {
  const auto two = [](int value) { return fmt::format("{:02}", value); };
  const int hour12 = t.tm_hour % 12 == 0 ? 12 : t.tm_hour % 12;
  auto day = std::string(kDays[static_cast<std::size_t>(t.tm_wday)]);
  auto month = std::string(kMonths[static_cast<std::size_t>(t.tm_mon)]);
  switch (letter) {
    case 'Y':
      return fmt::format("{}", t.tm_year + 1900);
    case 'y':
      return two((t.tm_year + 1900) % 100);
    case 'm':
      return two(t.tm_mon + 1);
    case 'd':
      return two(t.tm_mday);
    case 'e':
      return fmt::format("{:2}", t.tm_mday);
    case 'H':
      return two(t.tm_hour);
    case 'I':
      return two(hour12);
    case 'M':
      return two(t.tm_min);
    case 'S':
      return two(t.tm_sec);
    case 'f':
      return "000000";
    case 'p':
      return t.tm_hour < 12 ? "AM" : "PM";
    case 'j':
      return fmt::format("{:03}", t.tm_yday + 1);
    case 'w':
      return std::to_string(t.tm_wday);
    case 'u':
      return std::to_string(t.tm_wday == 0 ? 7 : t.tm_wday);
    case 'A':
      return day;
    case 'a':
      return day.substr(0, 3);
    case 'B':
      return month;
    case 'b':
    case 'h':
      return month.substr(0, 3);
    case 'F':
      return fmt::format("{}-{:02}-{:02}", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday);
    case 'T':
      return fmt::format("{:02}:{:02}:{:02}", t.tm_hour, t.tm_min, t.tm_sec);
    case 'Z':
    case 'z':
      return "";  // a local time without zone, as Python's datetime.now()
    case '%':
      return "%";
    default:
      template_error(fmt::format("strftime: the field %{} is not supported", letter));
  }
}

}  // namespace

Value format_percent(const std::string& format, const Value& arguments, Budget& budget) {
  return PercentFormatter(format, arguments, budget).run();
}

Value format_braces(const std::string& format, const Arguments& arguments, Budget& budget) {
  Writer out(budget);
  std::size_t next = 0;
  for (std::size_t at = 0; at < format.size(); ++at) {
    const char c = format[at];
    if ((c == '{' || c == '}') && at + 1 < format.size() && format[at + 1] == c) {
      out.put(c);
      ++at;
      continue;
    }
    if (c == '}') template_error("Single '}' encountered in format string");
    if (c != '{') {
      out.put(c);
      continue;
    }
    const std::size_t end = format.find('}', at);
    if (end == std::string::npos) template_error("expected '}' before end of string");
    const std::string field = format.substr(at + 1, end - at - 1);
    budget.charge(1 + (field.size() + arguments.named.size()) / 16);
    at = end;
    if (field.find_first_not_of("0123456789") == std::string::npos && field.size() < 4) {
      const std::size_t index = field.empty() ? next++ : static_cast<std::size_t>(std::stoi(field));
      if (index >= arguments.positional.size())
        template_error(
            fmt::format("Replacement index {} out of range for positional args tuple", index));
      write_text(out, arguments.positional[index]);
      continue;
    }
    const auto named = std::find_if(arguments.named.begin(), arguments.named.end(),
                                    [&](const auto& entry) { return entry.first == field; });
    if (named == arguments.named.end()) template_error(fmt::format("'{}'", shortened(field)));
    write_text(out, named->second);
  }
  return make_string(std::move(out));
}

Value format_time(const std::string& format, const std::string& iso_time, Budget& budget) {
  const std::tm time = parse_time(iso_time);
  Writer out(budget);
  for (std::size_t at = 0; at < format.size(); ++at) {
    if (format[at] != '%' || at + 1 == format.size()) {
      out.put(format[at]);
      continue;
    }
    budget.charge(2);
    char letter = format[++at];
    const bool unpadded = letter == '-' && at + 1 < format.size();
    if (unpadded) letter = format[++at];
    std::string field = format_field(letter, time);
    if (unpadded) field.erase(0, std::min(field.find_first_not_of("0 "), field.size() - 1));
    out.put(field);
  }
  return make_string(std::move(out));
}

}  // namespace pomona::text::jinja
