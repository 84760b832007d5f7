/* camp liquid: renders Liquid templates, one JSON request a line; for trying templates out and for comparing this Liquid
 * with others. Messages of a project are compiled with it and do not come by here. */
#include "runtime/command/commands.h"

#include "compiler/liquid.h"
#include "vm/base/buf.h"
#include "vm/base/json.h"
#include "vm/base/utf8.h"
#include "vm/calendar.h"
#include "vm/liquid_render.h"

#include <stdlib.h>
#include <time.h>

struct worker {
  struct arena arena;
  struct liquid_compiler *compiler;
  struct lq_renderer *renderer;
  struct buf out;
};
struct request {
  struct json template, data, templates, mode, now, limits;
};

/* How many bytes at the front of s, which begins no character, one mark stands for: as much as some character begins with. */
static size_t cut_short(struct str s) {
  unsigned char lead = (unsigned char)*s.ptr, next = s.len > 1 ? (unsigned char)s.ptr[1] : 0;
  size_t want = lead >= 0xf0 && lead <= 0xf4 ? 3 : lead >= 0xe0 && lead < 0xf0 ? 2 : 1, n = 1;
  bool begins = next >= (lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80) && next <= (lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf);
  while (begins && n < want && n < s.len && ((unsigned char)s.ptr[n] & 0xc0) == 0x80) n++;
  return n;
}

/* JSON strings hold only UTF-8; a template can print other bytes (base64_decode). */
static void add_text(struct worker *w, struct str s) {
  struct buf clean;
  size_t good = utf8_valid_prefix(s);
  if (good == s.len) {
    buf_json_str(&w->out, s);
    return;
  }
  buf_init(&clean, SIZE_MAX / 2);
  for (; s.len; good = utf8_valid_prefix(s)) {
    buf_add(&clean, s.ptr, good);
    s.ptr += good, s.len -= good;
    if (!s.len) break;
    size_t cut = cut_short(s);
    buf_c(&clean, "\xef\xbf\xbd");
    s.ptr += cut, s.len -= cut;
  }
  buf_json_str(&w->out, buf_as_str(&clean));
  buf_deinit(&clean);
}

static void answer(struct worker *w, const struct str *text, const struct str *errors, uint32_t count) {
  buf_c(&w->out, "{\"text\":");
  if (text) add_text(w, *text); else buf_c(&w->out, "null");
  buf_c(&w->out, ",\"errors\":[");
  for (uint32_t i = 0; i < count; i++) {
    if (i) buf_byte(&w->out, ',');
    add_text(w, errors[i]);
  }
  buf_c(&w->out, "]}\n");
}

static void refuse(struct worker *w, const char *why) {
  struct str text = str_from_c(why);
  answer(w, NULL, &text, 1);
}

static bool read_mode(struct json j, enum liquid_mode *out) {
  static const char *const names[] = { "lax", "warn", "strict", "strict2" };
  *out = LIQUID_STRICT2;
  if (j.type == JSON_BAD || j.type == JSON_NULL) return true;
  for (int i = 0; j.type == JSON_STRING && i < 4; i++)
    if (str_eq((struct str){ j.text.ptr + 1, j.text.len - 2 }, str_from_c(names[i]))) {
      *out = (enum liquid_mode)i;
      return true;
    }
  return false;
}

static bool read_now(struct json j, struct arena *a, int64_t *out) {
  bool zoned;
  struct timespec now;
  if (j.type == JSON_STRING) return calendar_parse_moment(json_string(j, a), out, &zoned);
  clock_gettime(CLOCK_REALTIME, &now);
  *out = (int64_t)now.tv_sec * MS_PER_SECOND + now.tv_nsec / 1000000;
  return j.type == JSON_BAD || j.type == JSON_NULL;
}

/* An object whose members are all of one type, null, or not there. */
static bool is_object_of(struct json j, enum json_type type) {
  if (j.type != JSON_OBJECT) return j.type == JSON_NULL || j.type == JSON_BAD;
  for (struct json_walk walk = json_walk_of(j.text); json_next(&walk);)
    if (walk.value.type != type) return false;
  return true;
}

static bool known_limits(struct json limits, const char **why) {
  static const char *const names[] = { "render_length_limit", "render_score_limit", "cumulative_render_score_limit", "assign_score_limit",
                                       "cumulative_assign_score_limit" };
  if (limits.type != JSON_OBJECT) return true;
  for (struct json_walk walk = json_walk_of(limits.text); json_next(&walk);) {
    size_t i = 0;
    while (i < sizeof names / sizeof *names && !str_is(walk.key, names[i])) i++;
    double n;
    *why = "\"limits\" has a name that is none: they are render_length_limit, render_score_limit, cumulative_render_score_limit, "
           "assign_score_limit and cumulative_assign_score_limit";
    if (i == sizeof names / sizeof *names) return false;
    if (walk.value.type == JSON_NULL) continue;
    *why = "a limit is a number, at least 1";
    if (walk.value.type != JSON_NUMBER || !json_number(walk.value, &n) || !(n >= 1)) return false;
  }
  return true;
}

static uint64_t limit_of(struct json limits, const char *name) {
  double n;
  if (limits.type != JSON_OBJECT) return 0;
  struct json j = json_member(limits.text, str_from_c(name));
  return j.type == JSON_NUMBER && json_number(j, &n) && n >= 1 && n < 1e15 ? (uint64_t)n : 0;
}

static bool read_request(struct str line, struct request *q, const char **why) {
  struct json j;
  size_t at;
  if (!json_check_nul(line, &j, why, &at)) return false;
  *why = "a request is a JSON object with a text \"template\"";
  if (j.type != JSON_OBJECT) return false;
  *q = (struct request){ json_member(j.text, STR("template")), json_member(j.text, STR("data")), json_member(j.text, STR("templates")),
                         json_member(j.text, STR("mode")), json_member(j.text, STR("now")), json_member(j.text, STR("limits")) };
  if (q->template.type != JSON_STRING) return false;
  *why = "\"data\" must be an object";
  if (q->data.type != JSON_OBJECT && q->data.type != JSON_NULL && q->data.type != JSON_BAD) return false;
  *why = "\"templates\" must be an object of texts";
  if (!is_object_of(q->templates, JSON_STRING)) return false;
  *why = "\"limits\" must be an object of numbers";
  if (q->limits.type != JSON_OBJECT && q->limits.type != JSON_NULL && q->limits.type != JSON_BAD) return false;
  return known_limits(q->limits, why);
}

static void serve(struct worker *w, struct str line) {
  struct request q;
  struct liquid_options options = { .mode = LIQUID_STRICT2 };
  struct lq_settings settings = { .now_ms = 0 };
  struct liquid_error e, ignored;
  const char *why;
  arena_reset(&w->arena);
  if (!read_request(line, &q, &why)) {
    refuse(w, why);
    return;
  }
  if (!read_mode(q.mode, &options.mode)) {
    refuse(w, "\"mode\" must be lax, warn, strict or strict2");
    return;
  }
  if (!read_now(q.now, &w->arena, &settings.now_ms)) {
    refuse(w, "\"now\" must be a moment like 2026-01-05T10:00:00Z");
    return;
  }
  settings.limits = (struct lq_limits){ .output_bytes = limit_of(q.limits, "render_length_limit"),
                                        .assigned_each = limit_of(q.limits, "assign_score_limit"),
                                        .assigned = limit_of(q.limits, "cumulative_assign_score_limit"),
                                        .steps_each = limit_of(q.limits, "render_score_limit"),
                                        .steps = limit_of(q.limits, "cumulative_render_score_limit") };
  liquid_reset(w->compiler, &options);
  if (!liquid_add(w->compiler, STR(""), json_string(q.template, &w->arena), &e)) {
    answer(w, NULL, &e.text, 1);
    return;
  }
  if (q.templates.type == JSON_OBJECT)
    for (struct json_walk walk = json_walk_of(q.templates.text); json_next(&walk);)
      if (walk.value.type == JSON_STRING)
        (void)liquid_add(w->compiler, json_key(&walk, &w->arena), json_string(walk.value, &w->arena), &ignored);
  struct lq_unit unit = liquid_unit(w->compiler);
  struct lq_cx cx = { .arena = &w->arena, .allocated_max = SIZE_MAX / 2 };
  struct lq data;
  if (!lq_from_json(&cx, q.data, &data)) {
    refuse(w, "the data are too large");
    return;
  }
  struct lq_result result = lq_render(w->renderer, &unit, 0, data, &settings);
  answer(w, &result.text, result.errors, result.error_count);
}

static int liquid_run(const struct options *o) {
  (void)o;
  struct worker w;
  char *line = NULL;
  size_t cap = 0;
  ssize_t len;
  int code = EXIT_FINE;
  arena_init(&w.arena, 64u << 10);
  buf_init(&w.out, SIZE_MAX / 2);
  w.compiler = liquid_compiler_new();
  w.renderer = lq_renderer_new();
  while (code == EXIT_FINE && (len = getline(&line, &cap, stdin)) > 0) {
    struct str s = { line, (size_t)len };
    while (s.len && (s.ptr[s.len - 1] == '\n' || s.ptr[s.len - 1] == '\r')) s.len--;
    if (!s.len) continue;
    buf_clear(&w.out);
    serve(&w, s);
    if (fwrite(w.out.data, 1, w.out.len, stdout) != w.out.len || fflush(stdout) != 0) code = EXIT_COULD_NOT;
  }
  free(line);
  lq_renderer_free(w.renderer);
  liquid_compiler_free(w.compiler);
  buf_deinit(&w.out);
  arena_deinit(&w.arena);
  return code;
}

static const struct option_spec no_options[] = { { NULL, 0, NULL, NULL } };
const struct command command_liquid = {
  .name = "liquid",
  .summary = "render Liquid templates, one JSON request a line",
  .arguments = "",
  .text = "Reads requests from standard input, one JSON object a line, and answers each at once with one JSON object on a line of\n"
          "its own, in the same order. Empty lines are passed over; other members than these are not looked at:\n"
          "  template   the text; the only member that must be there\n"
          "  data       an object, or null: the variables. An integer keeps all its digits, and 1.0 is not 1.\n"
          "  templates  an object of texts, or null: what `render` and `include` find, by exact name, then without regard to\n"
          "             case, then with `.liquid` behind the name\n"
          "  mode       what happens to markup that breaks the rules: strict2 (the default) and strict refuse it, each by its own\n"
          "             grammar; lax and warn make of it what they can\n"
          "  now        the clock, as 2026-01-05T10:00:00Z; without it, the time of day. The zone is UTC.\n"
          "  limits     an object of numbers by Ruby's names, or null: render_length_limit (bytes of text), render_score_limit\n"
          "             (tags and outputs of one template), assign_score_limit (bytes and items that one template assigns),\n"
          "             cumulative_render_score_limit and cumulative_assign_score_limit (of all templates together). Camp's own\n"
          "             limits hold as well.\n"
          "\n"
          "The answer is {\"text\": TEXT, \"errors\": [SENTENCE, …]}, with no errors when nothing went wrong. Otherwise:\n"
          "  it does not compile      text is null; the error is `Liquid syntax error (line 2): …`\n"
          "  something fails while    its sentence stands in the text at that place and in errors, in order, and rendering goes\n"
          "  it renders               on: `Liquid error (line 3): divided by 0`, in a snippet `Liquid error (NAME line 3): …`. A\n"
          "                           snippet that does not compile is such an error of the tag that calls it.\n"
          "  a limit is met           text is the last error alone: `Liquid error: Memory limits exceeded`\n"
          "  the line is no request   text is null; the error says what is wrong with the line\n"
          "Bytes of a text that are no UTF-8 are answered as U+FFFD. Filters and tags are Shopify's; those that messages have\n"
          "besides are not known here. It ends with the input, with code 0.\n",
  .examples = "  echo '{\"template\": \"Hello {{ name | upcase }}!\", \"data\": {\"name\": \"Ada\"}}' | camp liquid\n"
              "  {\"text\":\"Hello ADA!\",\"errors\":[]}\n"
              "  echo '{\"template\": \"{% render '\\\\''a'\\\\'', n: 0 %}\", \"templates\": {\"a\": \"1 {{ 1 | divided_by: n }}\"}}' | camp liquid\n"
              "  {\"text\":\"1 Liquid error (a line 1): divided by 0\",\"errors\":[\"Liquid error (a line 1): divided by 0\"]}\n",
  .options = no_options,
  .run = liquid_run,
};
