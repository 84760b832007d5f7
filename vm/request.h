#ifndef CAMP_VM_REQUEST_H
#define CAMP_VM_REQUEST_H
/* How a message leaves by a channel, how an operation of another system is called: one HTTP request, as a table that is filled with
 * values when it leaves. Nothing here sends.
 *
 *   items in order: the URL, user and key of `auth`, headers, then the body. A body of JSON is written out flat: OBJECT and LIST open,
 *   END closes; a value that is missing is left out, with its name. A text is its pieces one behind the other, missing ones empty. */
#include "program.h"

enum request_method { METHOD_GET, METHOD_POST, METHOD_PUT, METHOD_PATCH, METHOD_DELETE };
enum request_place { IN_URL, IN_USER, IN_KEY, IN_HEADER, IN_FORM, IN_JSON };
enum request_item_kind { REQ_TEXT, REQ_VALUE /* one piece, which keeps its kind */, REQ_OBJECT, REQ_LIST, REQ_END };
struct request_item {
  uint8_t place, kind;
  uint32_t name;         /* string; NONE: of the URL, of what stands in a list, of an end */
  uint32_t first_piece, piece_count;
};
enum request_piece_kind {
  PIECE_TEXT,   /* at: string */
  PIECE_GIVEN,  /* at: string, the name of an argument or of what a message is: to, subject, body, message, campaign, key, contact_key */
  PIECE_ATTR,   /* at: field, an attribute of the contact */
  PIECE_SECRET, /* at: string, its name */
  PIECE_CONST,  /* at: constant */
  PIECE_SHA256  /* at: string as of PIECE_GIVEN; its SHA-256 in hexadecimal, without blanks around and in small letters, as advertisers' APIs
                   take the addresses of people */
};
struct request_piece { uint8_t kind; uint32_t at; };

enum { REQUEST_RETRY_MAX = 8, REQUEST_DEPTH_MAX = 32 };
struct request {
  uint8_t method;
  bool json, form;                 /* its body; neither: none */
  uint32_t address;                /* of a channel: string, the attribute that holds the address; NONE: it goes to no address */
  uint32_t id_path;                /* string: where in the reply the provider's number stands, a line a member; or NONE */
  uint16_t retry[REQUEST_RETRY_MAX]; uint8_t retry_count; /* 429; 5 stands for 500 to 599 */
  struct value retry_up_to;        /* V_MISSING: it is not tried again */
  const struct request_item *items; uint32_t item_count;
  const struct request_piece *pieces; uint32_t piece_count;
};

const char *request_method_name(uint8_t method);
/* The hashed bytes of a unit of that kind, behind its code; NULL when they are cut. */
void request_write(struct buf *b, const struct request *q);
struct request *request_read(struct arena *a, struct reader *r);
/* NULL, or what is wrong with it. */
const char *request_flaw(const struct unit *u);
void request_disassemble(struct buf *b, const struct unit *u);
#endif
