
# Paths within an image, where its names are known without reading it. Quotes are taken from words by (Q), which
# expands nothing.
_peelfs_in_image() {
    local prefix=$PREFIX dir name
    local -a before found dirs files
    before=("${(@Q)words[2,CURRENT-1]}")
    [[ $compstate[quote] == \' ]] || prefix=${(Q)prefix}
    found=("${(@0)$("${(Q)words[1]}" __complete-path -- "$prefix" "${before[@]}" 2> /dev/null)}")
    found=("${(@)found:#}")
    (( $#found )) || return 1
    [[ $prefix != */* ]] || dir=${prefix%/*}/
    for name in "${found[@]}"; do
        name=${name[$#dir+1,-1]}
        if [[ $name == */ ]]; then dirs+=("${name%/}"); else files+=("$name"); fi
    done
    compset -P '*/'
    [[ -z $dirs ]] || compadd -q -S / -a dirs
    [[ -z $files ]] || compadd -a files
}

_peelfs() {
    _peelfs_in_image || _peelfs_words "$@"
}

if [ "$funcstack[1]" = "_peelfs" ]; then
    _peelfs "$@"
else
    compdef _peelfs peelfs
fi
