/* The scanner of Camp: which characters make a token. What a token means (a date that exists, an escape, a unit of
 * time) is compiler/lex.c's; which words are keywords, and where, is keywords.def's and camp.y's.
 *
 *   1. The cursor is unsigned, and the text ends with a NUL, so no rule looks at a length.
 *   2. Nothing is copied: a token is a place in the text.
 *   3. Every byte belongs to some rule; one that fits none is reported and passed over. */
#include "compiler/lex.h"
#include "grammar.h"

/*!re2c
  re2c:define:YYCTYPE = "unsigned char";
  re2c:define:YYCURSOR = at;
  re2c:define:YYMARKER = marker;
  re2c:yyfill:enable = 0;

  digit  = [0-9];
  letter = [A-Za-z_] | [\x80-\xff];
  name   = letter (letter | digit)*;
  date   = digit{4} "-" digit{1,2} "-" digit{1,2};
  time   = digit{1,2} ":" digit{2} (":" digit{2})?;
  number = digit+ ("." digit+)?;
  line   = [^\n\x00]*;
*/

void lex_scan(struct lexer *l, struct token *t) {
  const unsigned char *at = l->cursor, *marker, *start;
#define TOKEN(k) do { t->kind = (k); goto out; } while (0)
  for (;;) {
    start = at;
    /*!re2c
      *                 { l->cursor = at; t->from = (uint32_t)(start - l->text); lex_stray(l, t);
                          at = l->cursor; if (t->kind) goto out; continue; }
      "==" | "=>" | "=<" | "<>" | "||" { l->cursor = at; t->from = (uint32_t)(start - l->text); lex_stray(l, t);
                          at = l->cursor; goto out; }
      [\x00]            { if (start >= l->end) { at = start; TOKEN(LEX_END); } l->faulty = true; continue; }
      [ \t\r]+          { continue; }
      "\n"              { TOKEN(LEX_NEWLINE); }
      "##" line         { lex_doc(l, (uint32_t)(start - l->text), (uint32_t)(at - l->text)); continue; }
      "#" line          { continue; }

      "//" | "/*" | "--" { l->cursor = at; t->kind = 0; t->from = (uint32_t)(start - l->text);
                          if (lex_comment_alike(l, t)) { at = l->cursor; continue; }
                          at = start + 1; TOKEN(TOK_MINUS); }

      name              { if (*start >= 0x80) {
                            l->cursor = at; t->from = (uint32_t)(start - l->text);
                            if (lex_alike(l, t)) return;
                          }
                          struct str word = str_slice((const char *)start, (const char *)at);
                          t->kind = lex_keyword(l, word);
                          if (t->kind == TOK_NAME && (at = lex_word_end(l, start, at)) == start) {
                            t->from = (uint32_t)(start - l->text);
                            lex_point_alike(l, t);
                            at = l->cursor;
                            if (t->kind) goto out;
                            continue;
                          }
                          if ((size_t)(at - start) < word.len) t->kind = lex_keyword(l, str_slice((const char *)start, (const char *)at));
                          if (t->kind == TOK_NAME &&
                              !lex_word_check(l, (uint32_t)(start - l->text), (uint32_t)(at - l->text))) continue;
                          goto out; }
      ["]               { t->from = (uint32_t)(start - l->text); l->cursor = at; lex_text(l, t); return; }
      ["]["]["]         { t->from = (uint32_t)(start - l->text); l->cursor = at; lex_text_triple(l, t); return; }
      date              { t->kind = TOK_DATE; goto number; }
      date ([ \t]+ | "T") time { t->kind = TOK_DATETIME; goto number; }
      time              { t->kind = TOK_TIME; goto number; }
      number            { t->kind = TOK_NUMBER; goto number; }
      number "%"        { t->kind = TOK_PERCENT; goto number; }

      "{"               { TOKEN(TOK_LBRACE); }
      "}"               { TOKEN(TOK_RBRACE); }
      "("               { TOKEN(TOK_LPAREN); }
      ")"               { TOKEN(TOK_RPAREN); }
      "["               { TOKEN(TOK_LBRACKET); }
      "]"               { TOKEN(TOK_RBRACKET); }
      ","               { TOKEN(TOK_COMMA); }
      "."               { TOKEN(TOK_DOT); }
      ";"               { TOKEN(LEX_SEMICOLON); }
      ":"               { TOKEN(LEX_COLON); }
      "="               { TOKEN(TOK_EQUALS); }
      "<"               { TOKEN(TOK_LT); }
      "<="              { TOKEN(TOK_LE); }
      ">"               { TOKEN(TOK_GT); }
      ">="              { TOKEN(TOK_GE); }
      "+"               { TOKEN(TOK_PLUS); }
      "-"               { TOKEN(TOK_MINUS); }
      "*"               { TOKEN(TOK_STAR); }
      "/"               { TOKEN(TOK_SLASH); }
      "|"               { TOKEN(TOK_BAR); }
    */
  }
number:
  t->from = (uint32_t)(start - l->text);
  l->cursor = at;
  if (t->kind == TOK_NUMBER || t->kind == TOK_PERCENT) lex_number(l, t);
  else if (t->kind == TOK_TIME) lex_time(l, t);
  else lex_date(l, t);
  return;
out:
  t->from = (uint32_t)(start - l->text);
  t->to = (uint32_t)(at - l->text);
  l->cursor = at;
#undef TOKEN
}
