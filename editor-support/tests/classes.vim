" What Vim's syntax makes of scripts: for each line of $FILES, writes $OUT/NAME.classes as textmate.js does, from synID.
" Run by run.sh: vim -es -u NONE -i NONE -N -S classes.vim. Ends with cquit when anything goes wrong, because vim -es is silent.
set encoding=utf-8 nomodeline noswapfile
execute 'set runtimepath=' . fnameescape($EDITORS . '/vim') . ',$VIMRUNTIME'
try
  filetype plugin indent on
  syntax on
  let s:letters = {}
  for s:line in readfile($LETTERS)
    let s:letters[split(s:line)[0]] = split(s:line)[1]
  endfor
  for s:file in readfile($FILES)
    execute 'edit ' . fnameescape(s:file)
    if &filetype !=# 'camp'
      throw s:file . ' has the file type ' . &filetype
    endif
    let s:out = []
    for s:lnum in range(1, line('$'))
      let s:text = getline(s:lnum)
      let s:below = ''
      let s:at = 1
      for s:char in split(s:text, '\zs')
        if s:char =~# '\s'
          let s:below .= ' '
        else
          let s:name = substitute(synIDattr(synID(s:lnum, s:at, 1), 'name'), '_.*', '', '')
          let s:below .= get(s:letters, s:name, '.')
        endif
        let s:at += len(s:char)
      endfor
      call add(s:out, s:text)
      if s:below =~# '\S'
        call add(s:out, substitute(s:below, '\s*$', '', ''))
      endif
    endfor
    call writefile(s:out, $OUT . '/' . substitute(s:file, '/', '__', 'g') . '.classes')
    bwipeout!
  endfor
catch
  call writefile([v:exception . ' at ' . v:throwpoint], $OUT . '/error')
  cquit
endtry
qall!
