#include "base/html.h"

#include <fmt/format.h>

#include "base/html_style_table.h"

namespace pomona {

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default: {
        const auto byte = static_cast<unsigned char>(c);
        const bool forbidden = (byte < 0x20 && c != '\n' && c != '\t' && c != '\r') || byte == 0x7F;
        if (forbidden)
          out += "\xEF\xBF\xBD";
        else
          out.push_back(c);
      }
    }
  }
  return out;
}

std::string html_facts(const std::vector<std::pair<std::string, std::string>>& rows) {
  std::string html = "<div class=\"scroll\"><table class=\"facts\">";
  for (const auto& [name, value] : rows)
    html += fmt::format("<tr><th>{}</th><td>{}</td></tr>", escape_html(name), value);
  return html + "</table></div>";
}

std::string html_section(std::string_view title, std::string_view body) {
  return fmt::format("<section><h2>{}</h2>{}</section>\n", title, body);
}

std::string html_page(std::string_view kind, std::string_view name, std::string_view body) {
  const std::string shown = escape_html(name);
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
      "<title>{0} - {1}</title><style>{2}</style></head><body><main>\n"
      "<p class=\"soft\">Pomona {1}</p><h1>{0}</h1>{3}</main></body></html>\n",
      shown, kind, kHtmlStyle, body);
}

}  // namespace pomona
