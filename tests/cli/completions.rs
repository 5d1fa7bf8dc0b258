//! `peelfs completions`.

use super::stored;
use crate::support::session;

#[test]
fn bash_completes_commands_options_and_paths_in_an_image() {
    session(
        stored().path(),
        r#"
$ peelfs index gzip.tar > /dev/null
$ peelfs __complete-path gzip.tar /many/00 | head -n 2
/many/000
/many/001
$ peelfs __complete-path gzip.tar@0 m
many/
$ echo 'source <(peelfs completions bash); complete -p peelfs; t() { COMP_LINE=$1; COMP_POINT=${#1}; COMP_WORDS=($1); COMP_CWORD=$2; COMPREPLY=(); _peelfs_in_image peelfs "${COMP_WORDS[$2]}"; echo "${COMPREPLY[@]}"; }; t "peelfs cat gzip.tar /many/29" 3; t "peelfs ls gzip.tar@0 /ma" 3; t "peelfs comp" 1; t "peelfs find gzip.tar --inam" 3' | bash
complete -o bashdefault -o default -F _peelfs_in_image peelfs
/many/290 /many/291 /many/292 /many/293 /many/294 /many/295 /many/296 /many/297 /many/298 /many/299
/many/
completions
--iname
"#,
    );
}

#[test]
fn an_image_that_would_have_to_be_read_completes_nothing() {
    session(
        stored().path(),
        r#"
$ XDG_CACHE_HOME=$PWD/none peelfs __complete-path gzip.tar /
$ for shell in zsh fish; do peelfs completions $shell | grep -c complete-path; done
0
0
? 1
$ peelfs completions zsh | head -n 1
#compdef peelfs
$ peelfs completions fish | grep -c 'using_subcommand find' | sed 's/[1-9][0-9]*/some/'
some
"#,
    );
}
