// The loss of causal language models: the negative log-likelihood of each supervised token given
// all tokens before it in its row.
#pragma once
#include <string>
#include <vector>

#include "model/model.h"
#include "train/examples.h"
#include "train/objective.h"

namespace pomona::train {

class LanguageModelling final : public Objective {
 public:
  /// A named set of rows; RowId::set counts them.
  struct Set {
    std::string name;
    const Examples* examples = nullptr;
  };

  /// Model and examples must outlive it.
  LanguageModelling(const model::CausalLm& lm, std::vector<Set> sets);

  RowSize size(const RowId& row) const override;
  std::string name(const RowId& row) const override;
  LossSum accumulate(const Context& context, std::span<const RowId> rows, double factor) override;
  LossSum evaluate(const Context& context, std::span<const RowId> rows) const override;

 private:
  struct Pass;
  Pass pass(const Context& context, std::span<const RowId> rows) const;

  const model::CausalLm& lm_;
  std::vector<Set> sets_;
};

}  // namespace pomona::train
