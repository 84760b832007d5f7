" Indents every script of $FILES anew: as it stands it must not change; without indentation outside of its texts it must come
" back. What differs is written to $OUT/error.
set encoding=utf-8 nomodeline noswapfile
execute 'set runtimepath=' . fnameescape($EDITORS . '/vim') . ',$VIMRUNTIME'
try
  filetype plugin indent on
  syntax on
  let s:wrong = []
  for s:file in readfile($FILES)
    execute 'edit ' . fnameescape(s:file)
    let s:before = getline(1, '$')
    let s:stripped = []
    let s:text = 0
    for s:line in s:before
      call add(s:stripped, s:text ? s:line : substitute(s:line, '^\s*', '', ''))
      let s:text = (s:text + len(split(s:line, '"""', 1)) - 1) % 2
    endfor
    for s:try in [s:before, s:stripped]
      call setline(1, s:try)
      normal! gg=G
      for s:lnum in range(1, len(s:before))
        if getline(s:lnum) !=# s:before[s:lnum - 1]
          call add(s:wrong, s:file . ':' . s:lnum . ': ' . getline(s:lnum))
        endif
      endfor
    endfor
    bwipeout!
  endfor
  if !empty(s:wrong)
    call writefile(s:wrong, $OUT . '/error')
    cquit
  endif
catch
  call writefile([v:exception . ' at ' . v:throwpoint], $OUT . '/error')
  cquit
endtry
qall!
