/* A message as a unit of its own: its channel, and the parts of its subject and body.
 *
 * Not here: what `{{ }}` means (template.c).
 *
 * Invariant: a message's hash changes when its words do, and campaigns that send it keep theirs. */
#include "emit.h"

void emit_message(struct builder *b, struct unit *u, const struct item *item) {
  const struct message_decl *m = &item->message;
  build_begin(b, u, UNIT_MESSAGE, m->name.text, m->name.span);
  u->channel = build_string(b, m->channel.text.len ? m->channel.text : STR("email"));
  if (m->topic.text.len)
    u->topic = build_string(b, m->topic.text);
  u->transactional = m->transactional;
  u->priority = m->priority;
  u->expires = m->expires;
  if (m->has_subject)
    u->subject = template_parts(b, m->subject.text, m->subject.span, m->name.span.source, false, &u->subject_count);
  if (m->has_body)
    u->body = template_parts(b, m->body.text, m->body.span, m->name.span.source, true, &u->body_count);
  build_finish(b);
}
