" Indentation of Camp scripts: brackets, and lines that continue the one above. Texts between three quotes stay as they are,
" because their blanks can matter. Nothing is asked of the syntax: it would be computed anew for each line of gg=G.
if exists('b:did_indent')
  finish
endif
let b:did_indent = 1
setlocal autoindent indentexpr=CampIndent(v:lnum)
setlocal indentkeys=0{,0},0),0],!^F,o,O,0=else,0=and,0=or,0=then,0=where,0=with,0=after,0=unless,0=via
let b:undo_indent = 'setlocal autoindent< indentexpr< indentkeys<'
if exists('*CampIndent')
  finish
endif
let s:cpo = &cpo
set cpo&vim

" A line that begins so continues the one above (grammar/README.md); `word:` is a name.
let s:begins = '^\s*\%(\%(and\|or\|then\|where\|with\|after\|unless\|via\)\>\%(\s*:\)\@!\|if\s\+still\>\)'
" And one that ends so goes on in the next.
let s:ends = '\%([-+*/<>=.]\|\<\%(then\|where\|and\|or\|not\|is\|in\|contains\|matches\|with\|else\)\)\s*$'
" A text on one line: quotes between {{ and }} belong to it.
let s:text = '"\%({{.\{-}}}\|\\.\|[^"\\]\)*\%("\|$\)'

" The line without its texts and comments, and whether a text between three quotes is open behind it.
function! s:Scan(line, inside) abort
  let [code, rest, inside] = ['', a:line, a:inside]
  while rest !=# ''
    if inside
      let stop = matchend(rest, '"""')
      let inside = stop < 0
      let rest = inside ? '' : rest[stop :]
      continue
    endif
    let at = match(rest, '["#]')
    if at < 0
      return [code . rest, 0]
    endif
    let code .= at > 0 ? rest[: at - 1] : ''
    let rest = rest[at :]
    if rest[0] ==# '#'
      return [code, 0]
    elseif rest[: 2] ==# '"""'
      let [inside, rest] = [1, rest[3 :]]
    else
      let rest = rest[matchend(rest, s:text) :]
    endif
    let code .= '""'
  endwhile
  return [code, inside]
endfunction

" Does the line begin inside a text? Lines asked for one behind the other, as gg=G does, cost a line each.
function! s:Inside(lnum) abort
  let [at, inside, tick] = get(b:, 'camp_inside', [0, 0, -1])
  if at < prevnonblank(a:lnum - 1) || at < 1 || at > a:lnum || b:changedtick - tick > 1
    let [at, inside] = [1, 0]
  endif
  for line in at < a:lnum ? getline(at, a:lnum - 1) : []
    if stridx(line, '"""') >= 0
      let inside = s:Scan(line, inside)[1]
    endif
  endfor
  let b:camp_inside = [a:lnum, inside, b:changedtick]
  return inside
endfunction

" The last line above that holds anything and does not begin inside a text, for a line that does not either.
function! s:Above(lnum) abort
  let [lnum, inside] = [a:lnum, 0]
  while 1
    let lnum = inside ? lnum - 1 : prevnonblank(lnum - 1)
    if lnum < 1
      return 0
    endif
    if stridx(getline(lnum), '"""') >= 0
      let inside = s:Scan(getline(lnum), 0)[1] != inside
    endif
    if !inside
      return lnum
    endif
  endwhile
endfunction

function! s:Code(lnum) abort
  return s:Scan(getline(a:lnum), 0)[0]
endfunction

" Does the line go on with what the line above it says?
function! s:Continues(lnum, above) abort
  return a:above > 0 && (getline(a:lnum) =~# s:begins || s:Code(a:above) =~# s:ends)
endfunction

function! CampIndent(lnum) abort
  if s:Inside(a:lnum)
    return -1
  endif
  let above = s:Above(a:lnum)
  if above == 0
    return 0
  endif
  " The statement that the line above ends, from its first line; behind it its continuations are over.
  let [first, before, code] = [above, s:Above(above), s:Code(above)]
  while s:Continues(first, before)
    let code = s:Code(before) . ' ' . code
    let [first, before] = [before, s:Above(before)]
  endwhile
  " How many brackets it opens and does not close, or the other way round; closers at its beginning have moved it already.
  let level = 0
  for char in split(substitute(substitute(code, '^\s*[])}]\+', '', ''), '[^][(){}]', '', 'g'), '\zs')
    let level += char =~# '[[({]' ? 1 : -1
  endfor
  let base = indent(first) + (level > 0 ? 1 : level) * shiftwidth()
  if getline(a:lnum) =~# '^\s*[])}]'
    let base -= shiftwidth()
  elseif level <= 0 && s:Continues(a:lnum, above)
    let base += shiftwidth()
  endif
  return max([base, 0])
endfunction

let &cpo = s:cpo
unlet s:cpo
