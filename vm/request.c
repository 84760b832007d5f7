/* The table of a request: its bytes, whether it is sound, its listing.
 *
 * Not here: filling it with values (runtime/send/request.c).
 *
 * Invariants:
 * 1. Reading allocates no more than the bytes that remain could fill.
 * 2. What passed request_flaw can be filled without another look: indices are in range, what opens is closed, the URL comes first and is
 *    there. */
#include "request.h"

#include "unit_bytes.h"

void request_write(struct buf *b, const struct request *q) {
  buf_byte(b, q->method);
  buf_byte(b, (uint8_t)(q->json | q->form << 1));
  put_index(b, q->address);
  put_index(b, q->id_path);
  buf_byte(b, q->retry_count);
  for (uint32_t i = 0; i < q->retry_count; i++) buf_varint(b, q->retry[i]);
  value_write(b, q->retry_up_to);
  buf_varint(b, q->item_count);
  for (uint32_t i = 0; i < q->item_count; i++) {
    const struct request_item *item = &q->items[i];
    buf_byte(b, item->place);
    buf_byte(b, item->kind);
    put_index(b, item->name);
    buf_varint(b, item->first_piece);
    buf_varint(b, item->piece_count);
  }
  buf_varint(b, q->piece_count);
  for (uint32_t i = 0; i < q->piece_count; i++) {
    buf_byte(b, q->pieces[i].kind);
    put_index(b, q->pieces[i].at);
  }
}

static void *get_table(struct arena *a, struct reader *r, uint32_t *count, size_t row_bytes_min, size_t item_bytes) {
  uint64_t n = reader_varint(r);
  if (!r->failed && (n > LIMIT_UNIT_ITEMS_COUNT || n > (uint64_t)(r->end - r->at) / row_bytes_min)) r->failed = true;
  *count = r->failed ? 0 : (uint32_t)n;
  return *count ? arena_zalloc(a, *count, item_bytes) : NULL;
}

struct request *request_read(struct arena *a, struct reader *r) {
  struct request *q = ARENA_NEW(a, struct request);
  q->method = reader_byte(r);
  uint8_t body = reader_byte(r);
  if (body > 2) r->failed = true;
  q->json = body == 1;
  q->form = body == 2;
  q->address = get_index(r);
  q->id_path = get_index(r);
  q->retry_count = reader_byte(r);
  if (q->retry_count > REQUEST_RETRY_MAX) r->failed = true;
  for (uint32_t i = 0; i < q->retry_count && !r->failed; i++) {
    uint32_t n = get_u32(r);
    if (n > 599) r->failed = true;
    q->retry[i] = (uint16_t)n;
  }
  q->retry_up_to = value_read(r);
  struct request_item *items = get_table(a, r, &q->item_count, 5, sizeof *items);
  for (uint32_t i = 0; i < q->item_count && !r->failed; i++) {
    items[i].place = reader_byte(r);
    items[i].kind = reader_byte(r);
    items[i].name = get_index(r);
    items[i].first_piece = get_u32(r);
    items[i].piece_count = get_u32(r);
  }
  q->items = items;
  struct request_piece *pieces = get_table(a, r, &q->piece_count, 2, sizeof *pieces);
  for (uint32_t i = 0; i < q->piece_count && !r->failed; i++) pieces[i] = (struct request_piece){ reader_byte(r), get_index(r) };
  q->pieces = pieces;
  return r->failed ? NULL : q;
}

/* --- whether it is sound --- */

static const char *piece_flaw(const struct unit *u, const struct request_piece *p) {
  switch (p->kind) {
    case PIECE_TEXT: case PIECE_GIVEN: case PIECE_SECRET: case PIECE_SHA256: return p->at < u->string_count ? NULL : "a piece names no string";
    case PIECE_ATTR: return p->at < u->field_count ? NULL : "a piece names no field";
    case PIECE_CONST: return p->at < u->const_count ? NULL : "a piece names no constant";
    default: return "a piece is of no kind";
  }
}

static const char *item_flaw(const struct unit *u, const struct request *q, uint32_t i, uint32_t *depth) {
  const struct request_item *item = &q->items[i];
  bool json = item->place == IN_JSON, text = item->kind == REQ_TEXT || item->kind == REQ_VALUE;
  if (item->place > IN_JSON || item->kind > REQ_END) return "an item is of no kind";
  if ((i == 0) != (item->place == IN_URL)) return "the URL does not come first, once";
  if (i && item->place < q->items[i - 1].place) return "items are out of order";
  if (i && (item->place == IN_USER || item->place == IN_KEY) && item->place == q->items[i - 1].place) return "an authorization is given twice";
  if ((json && !q->json) || (item->place == IN_FORM && !q->form)) return "an item is of a body that there is not";
  if (item->name != NONE && item->name >= u->string_count) return "an item has no name";
  if (item->name == NONE && (item->place == IN_HEADER || item->place == IN_FORM)) return "an item has no name";
  if (item->first_piece > q->piece_count || item->piece_count > q->piece_count - item->first_piece) return "an item has no pieces";
  if (item->kind == REQ_VALUE && item->piece_count != 1) return "a value is not one piece";
  if (text) return NULL;
  if (!json || item->piece_count) return "what opens or closes stands where it cannot";
  if (item->kind != REQ_END) return ++*depth > REQUEST_DEPTH_MAX ? "a body nests too deep" : NULL;
  if (item->name != NONE) return "an end has a name";
  return (*depth)-- == 0 ? "what closes was not opened" : NULL;
}

const char *request_flaw(const struct unit *u) {
  const struct request *q = u->request;
  if (!q) return "it has no request";
  if (q->method > METHOD_DELETE) return "its method is unknown";
  if (q->address != NONE && (q->address >= u->string_count || u->kind != UNIT_CHANNEL)) return "its address is no attribute";
  if (q->id_path != NONE && q->id_path >= u->string_count) return "its number stands nowhere";
  if (q->retry_up_to.type != V_MISSING && (!value_is_duration(q->retry_up_to) || !value_is_sound(q->retry_up_to)))
    return "it is tried for no time";
  if (!q->item_count) return "it has no URL";
  for (uint32_t i = 0; i < q->piece_count; i++) {
    const char *flaw = piece_flaw(u, &q->pieces[i]);
    if (flaw) return flaw;
  }
  uint32_t depth = 0;
  /* What stands directly in a list has no name, all else of a body has one. */
  bool in_list[REQUEST_DEPTH_MAX + 1] = { false };
  for (uint32_t i = 0; i < q->item_count; i++) {
    const struct request_item *item = &q->items[i];
    uint32_t outside = depth;
    const char *flaw = item_flaw(u, q, i, &depth);
    if (flaw) return flaw;
    if (item->place != IN_JSON || item->kind == REQ_END) continue;
    if ((item->name == NONE) != in_list[outside]) return "a member has no name, or an element has one";
    if (depth > outside) in_list[depth] = item->kind == REQ_LIST;
  }
  return depth ? "what opens is not closed" : NULL;
}

/* --- listing --- */

const char *request_method_name(uint8_t method) {
  static const char *const names[] = { "GET", "POST", "PUT", "PATCH", "DELETE" };
  return names[method];
}

static void show_pieces(struct buf *b, const struct unit *u, const struct request_item *item) {
  for (uint32_t i = 0; i < item->piece_count; i++) {
    const struct request_piece *p = &u->request->pieces[item->first_piece + i];
    buf_byte(b, ' ');
    switch (p->kind) {
      case PIECE_TEXT: buf_json_str(b, u->strings[p->at]); break;
      case PIECE_GIVEN: buf_str(b, u->strings[p->at]); break;
      case PIECE_SHA256: buf_printf(b, "sha256(" STR_FMT ")", STR_ARG(u->strings[p->at])); break;
      case PIECE_SECRET: buf_printf(b, "secret." STR_FMT, STR_ARG(u->strings[p->at])); break;
      case PIECE_ATTR: buf_printf(b, "contact." STR_FMT, STR_ARG(unit_string(u, u->fields[p->at].name))); break;
      default: value_show(b, u->consts[p->at]);
    }
  }
}

void request_disassemble(struct buf *b, const struct unit *u) {
  static const char *const places[] = { "url", "user", "key", "header", "form", "json" };
  static const char *const kinds[] = { "text", "value", "object", "list", "end" };
  const struct request *q = u->request;
  buf_printf(b, "  %s%s\n", request_method_name(q->method), q->json ? " json" : q->form ? " form" : "");
  if (q->address != NONE) buf_printf(b, "  to contact." STR_FMT "\n", STR_ARG(u->strings[q->address]));
  for (uint32_t i = 0; i < q->item_count; i++) {
    const struct request_item *item = &q->items[i];
    buf_printf(b, "  %-6s %-6s", places[item->place], kinds[item->kind]);
    if (item->name != NONE) {
      buf_byte(b, ' ');
      buf_json_str(b, u->strings[item->name]);
    }
    if (item->piece_count) buf_c(b, " =");
    show_pieces(b, u, item);
    buf_byte(b, '\n');
  }
  if (q->retry_up_to.type != V_MISSING) {
    buf_c(b, "  retry on");
    for (uint32_t i = 0; i < q->retry_count; i++) buf_printf(b, q->retry[i] < 10 ? " %uxx" : " %u", q->retry[i]);
    buf_c(b, " up to ");
    value_show(b, q->retry_up_to);
    buf_byte(b, '\n');
  }
  if (q->id_path != NONE) {
    buf_c(b, "  id from ");
    buf_json_str(b, u->strings[q->id_path]);
    buf_byte(b, '\n');
  }
}
