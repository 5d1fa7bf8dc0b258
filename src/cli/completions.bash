
# Paths within an image, where its names are known without reading it; all else as above.
_peelfs_in_image() {
    local cur=${COMP_WORDS[COMP_CWORD]} line=${COMP_LINE:0:COMP_POINT} words word verb= image=
    # bash takes words apart at @ and :, the line has them whole.
    read -a words <<< "$line"
    [[ $line == *[[:space:]] ]] || unset "words[${#words[@]}-1]"
    for word in "${words[@]:1}"; do
        case $word in
            -*) ;;
            *)
                if [[ -z $verb ]]; then
                    verb=$word
                elif [[ -z $image && ( -e $word || -e ${word%[@#]*} ) ]]; then
                    image=$word
                fi
                ;;
        esac
    done
    case $verb in
        ls | tree | cat | stat | explain | find | du | waste) ;;
        *) image= ;;
    esac
    if [[ -z $image || $cur == -* ]]; then
        _peelfs "$@"
        return
    fi
    mapfile -t COMPREPLY < <("${COMP_WORDS[0]}" __complete-path -- "$image" "$cur" 2> /dev/null)
    compopt -o filenames 2> /dev/null
    [[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != */ ]] || compopt -o nospace 2> /dev/null
}
complete -F _peelfs_in_image -o bashdefault -o default peelfs
