
# Takes a line apart into $words as the shell would, without its quotes; nothing in it is expanded. The last word is
# the one at its end, which may be empty; $quote is the quote that is still open there.
_peelfs_split() {
    local line=$1 word= begun= char i
    words=() quote=
    for ((i = 0; i < ${#line}; i++)); do
        char=${line:i:1}
        if [[ $quote == "'" && $char != "'" ]]; then
            word+=$char
        elif [[ $char == \\ ]]; then
            i=$((i + 1))
            [[ $quote != '"' || ${line:i:1} == [\$\`\"\\] ]] || word+=$char
            word+=${line:i:1}
        elif [[ $char == "$quote" ]]; then
            quote=
        elif [[ -z $quote && $char == [\'\"] ]]; then
            quote=$char begun=1
        elif [[ -z $quote && $char == [[:space:]] ]]; then
            [[ -z $word && -z $begun ]] || words+=("$word")
            word= begun=
        else
            word+=$char
        fi
    done
    words+=("$word")
}

# Paths within an image, where its names are known without reading it; all else as above.
_peelfs_in_image() {
    local words quote full cut= i
    # bash takes words apart at @ and :, the line has them whole.
    _peelfs_split "${COMP_LINE:0:COMP_POINT}"
    full=${words[${#words[@]} - 1]}
    unset "words[${#words[@]}-1]" "words[0]"
    mapfile -d '' -t COMPREPLY < <("${COMP_WORDS[0]}" __complete-path -- "$full" "${words[@]}" 2> /dev/null)
    if [[ ${#COMPREPLY[@]} == 0 ]]; then
        _peelfs "$@"
        return
    fi
    # What stands before the last of those is not replaced.
    [[ $full != *"$2" ]] || cut=${full%"$2"}
    COMPREPLY=("${COMPREPLY[@]#"$cut"}")
    if [[ -z $quote && ${COMPREPLY[*]} == *[\$\`!$'\n']* ]]; then
        # Of file names bash leaves these as they are, to be expanded when the line is run.
        for i in "${!COMPREPLY[@]}"; do printf -v "COMPREPLY[i]" %q "${COMPREPLY[i]}"; done
    else
        compopt -o filenames 2> /dev/null
    fi
    [[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != */ ]] || compopt -o nospace 2> /dev/null
}
complete -F _peelfs_in_image -o bashdefault -o default peelfs
