/* Languages: the names of months and days, the marks of numbers, where money has its sign, which form of a word a count takes.
 *
 * The names are CLDR's, format forms ("3 de marzo", "3 января"). They stand here, and not in a library, because what a message says
 * may not depend on the machine that writes it: two machines with two versions of ICU would write two mails, and a run that is
 * repeated after a crash another one. ICU is also 30 MB for twenty short tables.
 *
 * Not here: dates (liquid_date.c), numbers and money (liquid_filters_camp.c). */
#include "liquid_locale.h"

#include <strings.h>

static const struct lq_locale locales[] = {
  { "en", '.', ",", "-", MONEY_BEFORE, PLURAL_ONE, "", "",
    { "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December" },
    { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" },
    { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" },
    { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" } },
  { "de", ',', ".", "-", MONEY_BEHIND, PLURAL_ONE, "", "",
    { "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember" },
    { "Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez." },
    { "Sonntag", "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag" },
    { "So.", "Mo.", "Di.", "Mi.", "Do.", "Fr.", "Sa." } },
  { "fr", ',', "\u202f", "-", MONEY_BEHIND, PLURAL_FRENCH, "", "",
    { "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre" },
    { "janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc." },
    { "dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi" },
    { "dim.", "lun.", "mar.", "mer.", "jeu.", "ven.", "sam." } },
  { "es", ',', ".", "-", MONEY_BEHIND, PLURAL_ONE, "", "",
    { "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre" },
    { "ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sept", "oct", "nov", "dic" },
    { "domingo", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado" },
    { "dom", "lun", "mar", "mié", "jue", "vie", "sáb" } },
  { "it", ',', ".", "-", MONEY_BEHIND, PLURAL_ONE, "", "",
    { "gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre", "ottobre", "novembre",
      "dicembre" },
    { "gen", "feb", "mar", "apr", "mag", "giu", "lug", "ago", "set", "ott", "nov", "dic" },
    { "domenica", "lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato" },
    { "dom", "lun", "mar", "mer", "gio", "ven", "sab" } },
  { "nl", ',', ".", "-", MONEY_BEFORE_SPACE, PLURAL_ONE, "", "",
    { "januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november", "december" },
    { "jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec" },
    { "zondag", "maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag" },
    { "zo", "ma", "di", "wo", "do", "vr", "za" } },
  { "pt", ',', ".", "-", MONEY_BEFORE_SPACE, PLURAL_FRENCH, "BRL", "R$",
    { "janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro", "novembro", "dezembro" },
    { "jan.", "fev.", "mar.", "abr.", "mai.", "jun.", "jul.", "ago.", "set.", "out.", "nov.", "dez." },
    { "domingo", "segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado" },
    { "dom.", "seg.", "ter.", "qua.", "qui.", "sex.", "sáb." } },
  { "pl", ',', "\u00a0", "-", MONEY_BEHIND, PLURAL_POLISH, "PLN", "zł",
    { "stycznia", "lutego", "marca", "kwietnia", "maja", "czerwca", "lipca", "sierpnia", "września", "października", "listopada",
      "grudnia" },
    { "sty", "lut", "mar", "kwi", "maj", "cze", "lip", "sie", "wrz", "paź", "lis", "gru" },
    { "niedziela", "poniedziałek", "wtorek", "środa", "czwartek", "piątek", "sobota" },
    { "niedz.", "pon.", "wt.", "śr.", "czw.", "pt.", "sob." } },
  { "sv", ',', "\u00a0", "−", MONEY_BEHIND, PLURAL_ONE, "SEK", "kr",
    { "januari", "februari", "mars", "april", "maj", "juni", "juli", "augusti", "september", "oktober", "november", "december" },
    { "jan.", "feb.", "mars", "apr.", "maj", "juni", "juli", "aug.", "sep.", "okt.", "nov.", "dec." },
    { "söndag", "måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag" },
    { "sön", "mån", "tis", "ons", "tors", "fre", "lör" } },
  { "da", ',', ".", "-", MONEY_BEHIND, PLURAL_ONE, "DKK", "kr.",
    { "januar", "februar", "marts", "april", "maj", "juni", "juli", "august", "september", "oktober", "november", "december" },
    { "jan.", "feb.", "mar.", "apr.", "maj", "jun.", "jul.", "aug.", "sep.", "okt.", "nov.", "dec." },
    { "søndag", "mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag" },
    { "søn.", "man.", "tirs.", "ons.", "tors.", "fre.", "lør." } },
  { "nb", ',', "\u00a0", "−", MONEY_BEFORE_SPACE, PLURAL_ONE, "NOK", "kr",
    { "januar", "februar", "mars", "april", "mai", "juni", "juli", "august", "september", "oktober", "november", "desember" },
    { "jan.", "feb.", "mar.", "apr.", "mai", "jun.", "jul.", "aug.", "sep.", "okt.", "nov.", "des." },
    { "søndag", "mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag" },
    { "søn.", "man.", "tir.", "ons.", "tor.", "fre.", "lør." } },
  { "fi", ',', "\u00a0", "−", MONEY_BEHIND, PLURAL_ONE, "", "",
    { "tammikuuta", "helmikuuta", "maaliskuuta", "huhtikuuta", "toukokuuta", "kesäkuuta", "heinäkuuta", "elokuuta", "syyskuuta",
      "lokakuuta", "marraskuuta", "joulukuuta" },
    { "tammik.", "helmik.", "maalisk.", "huhtik.", "toukok.", "kesäk.", "heinäk.", "elok.", "syysk.", "lokak.", "marrask.",
      "jouluk." },
    { "sunnuntaina", "maanantaina", "tiistaina", "keskiviikkona", "torstaina", "perjantaina", "lauantaina" },
    { "su", "ma", "ti", "ke", "to", "pe", "la" } },
  { "cs", ',', "\u00a0", "-", MONEY_BEHIND, PLURAL_CZECH, "CZK", "Kč",
    { "ledna", "února", "března", "dubna", "května", "června", "července", "srpna", "září", "října", "listopadu",
      "prosince" },
    { "led", "úno", "bře", "dub", "kvě", "čvn", "čvc", "srp", "zář", "říj", "lis", "pro" },
    { "neděle", "pondělí", "úterý", "středa", "čtvrtek", "pátek", "sobota" },
    { "ne", "po", "út", "st", "čt", "pá", "so" } },
  { "sk", ',', "\u00a0", "-", MONEY_BEHIND, PLURAL_CZECH, "", "",
    { "januára", "februára", "marca", "apríla", "mája", "júna", "júla", "augusta", "septembra", "októbra", "novembra",
      "decembra" },
    { "jan", "feb", "mar", "apr", "máj", "jún", "júl", "aug", "sep", "okt", "nov", "dec" },
    { "nedeľa", "pondelok", "utorok", "streda", "štvrtok", "piatok", "sobota" },
    { "ne", "po", "ut", "st", "št", "pi", "so" } },
  { "hu", ',', "\u00a0", "-", MONEY_BEHIND, PLURAL_ONE, "HUF", "Ft",
    { "január", "február", "március", "április", "május", "június", "július", "augusztus", "szeptember", "október",
      "november", "december" },
    { "jan.", "febr.", "márc.", "ápr.", "máj.", "jún.", "júl.", "aug.", "szept.", "okt.", "nov.", "dec." },
    { "vasárnap", "hétfő", "kedd", "szerda", "csütörtök", "péntek", "szombat" },
    { "V", "H", "K", "Sze", "Cs", "P", "Szo" } },
  { "ro", ',', ".", "-", MONEY_BEHIND, PLURAL_ROMANIAN, "RON", "RON",
    { "ianuarie", "februarie", "martie", "aprilie", "mai", "iunie", "iulie", "august", "septembrie", "octombrie", "noiembrie",
      "decembrie" },
    { "ian.", "feb.", "mar.", "apr.", "mai", "iun.", "iul.", "aug.", "sept.", "oct.", "nov.", "dec." },
    { "duminică", "luni", "marți", "miercuri", "joi", "vineri", "sâmbătă" },
    { "dum.", "lun.", "mar.", "mie.", "joi", "vin.", "sâm." } },
  { "tr", ',', ".", "-", MONEY_BEFORE, PLURAL_ONE, "TRY", "₺",
    { "Ocak", "Şubat", "Mart", "Nisan", "Mayıs", "Haziran", "Temmuz", "Ağustos", "Eylül", "Ekim", "Kasım", "Aralık" },
    { "Oca", "Şub", "Mar", "Nis", "May", "Haz", "Tem", "Ağu", "Eyl", "Eki", "Kas", "Ara" },
    { "Pazar", "Pazartesi", "Salı", "Çarşamba", "Perşembe", "Cuma", "Cumartesi" },
    { "Paz", "Pzt", "Sal", "Çar", "Per", "Cum", "Cmt" } },
  { "el", ',', ".", "-", MONEY_BEHIND, PLURAL_ONE, "", "",
    { "Ιανουαρίου", "Φεβρουαρίου", "Μαρτίου", "Απριλίου", "Μαΐου", "Ιουνίου",
      "Ιουλίου", "Αυγούστου", "Σεπτεμβρίου", "Οκτωβρίου", "Νοεμβρίου",
      "Δεκεμβρίου" },
    { "Ιαν", "Φεβ", "Μαρ", "Απρ", "Μαΐ", "Ιουν", "Ιουλ", "Αυγ", "Σεπ", "Οκτ", "Νοε", "Δεκ" },
    { "Κυριακή", "Δευτέρα", "Τρίτη", "Τετάρτη", "Πέμπτη", "Παρασκευή", "Σάββατο" },
    { "Κυρ", "Δευ", "Τρί", "Τετ", "Πέμ", "Παρ", "Σάβ" } },
  { "uk", ',', "\u00a0", "-", MONEY_BEHIND, PLURAL_RUSSIAN, "UAH", "₴",
    { "січня", "лютого", "березня", "квітня", "травня", "червня", "липня", "серпня",
      "вересня", "жовтня", "листопада", "грудня" },
    { "січ.", "лют.", "бер.", "квіт.", "трав.", "черв.", "лип.", "серп.", "вер.", "жовт.",
      "лист.", "груд." },
    { "неділя", "понеділок", "вівторок", "середа", "четвер", "пʼятниця", "субота" },
    { "нд", "пн", "вт", "ср", "чт", "пт", "сб" } },
  { "ru", ',', "\u00a0", "-", MONEY_BEHIND, PLURAL_RUSSIAN, "RUB", "₽",
    { "января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа",
      "сентября", "октября", "ноября", "декабря" },
    { "янв.", "февр.", "мар.", "апр.", "мая", "июн.", "июл.", "авг.", "сент.", "окт.", "нояб.",
      "дек." },
    { "воскресенье", "понедельник", "вторник", "среда", "четверг", "пятница",
      "суббота" },
    { "вс", "пн", "вт", "ср", "чт", "пт", "сб" } },
};

const struct lq_locale *lq_locale_find(struct str name) {
  size_t len = 0;
  while (len < name.len && name.ptr[len] != '-' && name.ptr[len] != '_') len++;
  if (len == 2 && strncasecmp(name.ptr, "no", 2) == 0) return lq_locale_find(STR("nb"));
  for (size_t i = 0; i < sizeof locales / sizeof locales[0]; i++)
    if (strlen(locales[i].language) == len && strncasecmp(name.ptr, locales[i].language, len) == 0) return &locales[i];
  return NULL;
}

const struct lq_locale *lq_locale_english(void) { return &locales[0]; }

/* CLDR's rules for whole numbers; what is no whole number takes the last form, but in French. */
uint32_t lq_plural_form(const struct lq_locale *l, double n, bool whole) {
  uint64_t i = n < 0 ? (uint64_t)-n : (uint64_t)n;
  uint64_t ten = i % 10, hundred = i % 100;
  bool few = ten >= 2 && ten <= 4 && !(hundred >= 12 && hundred <= 14);
  if (l->plural == PLURAL_FRENCH) return i >= 2;
  switch (l->plural) {
    case PLURAL_POLISH: return !whole ? 2 : i == 1 ? 0 : few ? 1 : 2;
    case PLURAL_CZECH: return !whole ? 2 : i == 1 ? 0 : i >= 2 && i <= 4 ? 1 : 2;
    case PLURAL_ROMANIAN: return whole && i == 1 ? 0 : !whole || i == 0 || (hundred >= 1 && hundred <= 19) ? 1 : 2;
    case PLURAL_RUSSIAN: return !whole ? 2 : ten == 1 && hundred != 11 ? 0 : few ? 1 : 2;
    default: return !(whole && i == 1);
  }
}

struct str lq_currency_sign(const struct lq_locale *l, struct str currency) {
  static const char *const signs[][2] = { { "EUR", "€" }, { "USD", "$" }, { "GBP", "£" } };
  for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
    if (str_is(currency, signs[i][0])) return str_from_c(signs[i][1]);
  return str_is(currency, l->currency) ? str_from_c(l->sign) : currency;
}
