" Comments, matching and options for Camp scripts.
if exists('b:did_ftplugin')
  finish
endif
let b:did_ftplugin = 1
setlocal comments=:##,:# commentstring=#\ %s
setlocal formatoptions-=t formatoptions+=croql
setlocal expandtab shiftwidth=2 softtabstop=2
setlocal suffixesadd=.camp
" `use "./common.camp"`: gf opens it.
setlocal include=^\\s*use\\s\\+
let b:undo_ftplugin = 'setlocal comments< commentstring< formatoptions< expandtab< shiftwidth< softtabstop< suffixesadd< include<'
" `camp check --format short` says FILE:LINE:COLUMN: what.
if executable('camp') && !exists('current_compiler')
  setlocal makeprg=camp\ check\ --format\ short\ %:h:S errorformat=%f:%l:%c:\ %m
  let b:undo_ftplugin .= ' makeprg< errorformat<'
endif
