// Reads text files teacher-forced through llama.cpp and prints, for each token read, what it would
// say next, in the layout of `pomona perplexity --per-token`. Built by agreement.py against the
// peer's own header and library.
//   peer_logits MODEL CONTEXT THREADS f16|f32 FILE...     one JSON object a line, one line a file
#include <llama.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

struct Position {
  int best = 0, second = 0;
  float best_logit = 0, margin = 0;
  double logprob = 0;  // of the token that really follows
};

Position look(const float* logits, int vocabulary, int next) {
  Position p;
  p.best = logits[0] >= logits[1] ? 0 : 1;
  p.second = 1 - p.best;
  for (int v = 2; v < vocabulary; ++v) {
    if (logits[v] > logits[p.best]) {
      p.second = p.best;
      p.best = v;
    } else if (logits[v] > logits[p.second]) {
      p.second = v;
    }
  }
  p.best_logit = logits[p.best];
  p.margin = p.best_logit - logits[p.second];
  double sum = 0;
  for (int v = 0; v < vocabulary; ++v) sum += std::exp(double(logits[v]) - p.best_logit);
  if (next >= 0) p.logprob = double(logits[next]) - p.best_logit - std::log(sum);
  return p;
}

template <class Write>
void print_list(const char* name, std::size_t count, Write write) {
  std::printf("\"%s\": [", name);
  for (std::size_t i = 0; i < count; ++i) {
    if (i) std::printf(", ");
    write(i);
  }
  std::printf("]");
}

void print(const std::vector<llama_token>& tokens, const std::vector<Position>& at) {
  const std::size_t n = tokens.size();
  std::printf("{");
  print_list("tokens", n, [&](std::size_t i) { std::printf("%d", tokens[i]); });
  std::printf(", ");
  print_list("best", n, [&](std::size_t i) { std::printf("%d", at[i].best); });
  std::printf(", ");
  print_list("second", n, [&](std::size_t i) { std::printf("%d", at[i].second); });
  std::printf(", ");
  print_list("best_logit", n,
             [&](std::size_t i) { std::printf("%.6g", double(at[i].best_logit)); });
  std::printf(", ");
  print_list("margin", n, [&](std::size_t i) { std::printf("%.6g", double(at[i].margin)); });
  std::printf(", ");
  print_list("logprob", n, [&](std::size_t i) {
    i + 1 < n ? std::printf("%.8g", at[i].logprob) : std::printf("null");
  });
  std::printf("}\n");
}

std::string read_text(const char* path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error(std::string("cannot read ") + path);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<llama_token> first_tokens(const llama_vocab* vocabulary, const std::string& text,
                                      int n) {
  std::vector<llama_token> tokens(text.size() + 8);
  const int count = llama_tokenize(vocabulary, text.data(), int(text.size()), tokens.data(),
                                   int(tokens.size()), true, false);
  if (count < n) throw std::runtime_error("the text has fewer tokens than the context");
  tokens.resize(std::size_t(n));
  return tokens;
}

void run(llama_context* context, const llama_vocab* vocabulary, std::vector<llama_token> tokens) {
  const int n = int(tokens.size());
  llama_memory_clear(llama_get_memory(context), true);
  llama_batch batch = llama_batch_init(n, 0, 1);
  batch.n_tokens = n;
  for (int i = 0; i < n; ++i) {
    batch.token[i] = tokens[std::size_t(i)];
    batch.pos[i] = i;
    batch.n_seq_id[i] = 1;
    batch.seq_id[i][0] = 0;
    batch.logits[i] = true;
  }
  if (llama_decode(context, batch) != 0) throw std::runtime_error("llama_decode failed");
  std::vector<Position> at;
  for (int i = 0; i < n; ++i) {
    const int next = i + 1 < n ? tokens[std::size_t(i) + 1] : -1;
    at.push_back(look(llama_get_logits_ith(context, i), llama_vocab_n_tokens(vocabulary), next));
  }
  llama_batch_free(batch);
  print(tokens, at);
}

}  // namespace

int main(int count, char** arguments) try {
  if (count < 6) throw std::runtime_error("MODEL CONTEXT THREADS f16|f32 FILE...");
  const int size = std::stoi(arguments[2]), threads = std::stoi(arguments[3]);
  const bool exact = std::string(arguments[4]) == "f32";
  llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  llama_backend_init();
  llama_model* model = llama_model_load_from_file(arguments[1], llama_model_default_params());
  if (!model) throw std::runtime_error(std::string("cannot load ") + arguments[1]);
  llama_context_params settings = llama_context_default_params();
  settings.n_ctx = settings.n_batch = settings.n_ubatch = unsigned(size);
  settings.n_threads = settings.n_threads_batch = threads;
  settings.type_k = settings.type_v = exact ? GGML_TYPE_F32 : GGML_TYPE_F16;
  if (exact) settings.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
  llama_context* context = llama_init_from_model(model, settings);
  if (!context) throw std::runtime_error("cannot make a context");
  const llama_vocab* vocabulary = llama_model_get_vocab(model);
  for (int i = 5; i < count; ++i) {
    run(context, vocabulary, first_tokens(vocabulary, read_text(arguments[i]), size));
  }
  llama_free(context);
  llama_model_free(model);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "peer_logits: %s\n", error.what());
  return 1;
}
