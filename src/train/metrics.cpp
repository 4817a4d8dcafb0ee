#include "train/metrics.h"

#include "base/json_records.h"

namespace pomona::train {

Json to_json(const StepMetrics& metrics) {
  const double seconds = metrics.seconds;
  return {{"step", metrics.step},
          {"epoch", metrics.epoch},
          {"loss", metrics.loss},
          {"learning_rate", metrics.learning_rate},
          {"gradient_norm", metrics.gradient_norm},
          {"tokens", metrics.tokens},
          {"supervised_tokens", metrics.supervised},
          {"tokens_per_second",
           seconds > 0 ? Json(static_cast<double>(metrics.tokens) / seconds) : Json()},
          {"seconds", seconds}};
}

Json to_json(const EvaluationMetrics& metrics) {
  Json record = {{"step", metrics.step}, {"eval_loss", metrics.loss}};
  if (metrics.sets.size() > 1) {
    Json& sets = record["sets"] = Json::object();
    for (const auto& [name, loss] : metrics.sets) sets[name] = loss;
  }
  if (metrics.general) record["general_loss"] = *metrics.general;
  if (metrics.forgetting) record["forgetting"] = *metrics.forgetting;
  record["best"] = metrics.best;
  record["seconds"] = metrics.seconds;
  return record;
}

MetricsLog::MetricsLog(const std::filesystem::path& path, std::uint64_t keep)
    : count_(keep_whole_records(path, keep).size()), file_(std::make_unique<AppendedFile>(path)) {}

void MetricsLog::add(const Json& record) {
  file_->append(record.dump() + "\n");
  ++count_;
}

std::uint64_t MetricsLog::sync() {
  file_->sync();
  return count_;
}

}  // namespace pomona::train
