#include "base/json.h"

#include "base/error.h"
#include "base/file.h"

namespace pomona {

Json parse_json(std::string_view text, std::string_view origin) {
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    fail(ErrorKind::bad_file, "{}: not valid JSON at byte {}", origin, error.byte);
  } catch (const Json::exception&) {  // all that parsing throws beside: no double holds the number
    fail(ErrorKind::bad_file, "{}: a number is too large", origin);
  }
}

Json read_json(const std::filesystem::path& path) {
  return parse_json(read_file(path), path.string());
}

}  // namespace pomona
