// The normalisation of answers of SQuAD's evaluation (Rajpurkar et al. 2016, arXiv:1606.05250,
// section 6.1), shared by exact match and token F1.
#pragma once
#include <string>
#include <string_view>

namespace pomona::metric {

/// Lower case, without ASCII punctuation, without the words a, an, the, runs of white space
/// squeezed to one space and none at the ends. Throws bad_argument on ill-formed UTF-8.
std::string normalise_answer(std::string_view text);

}  // namespace pomona::metric
