
# Whether there are paths within an image to go on with, where its names are known without reading it; they are kept
# for the completion behind it. Words are unescaped, and nothing in them is expanded.
function __fish_peelfs_finds_in_image
    set -l before (commandline -opc)
    set -l token (commandline -ct)
    # A quote that is still open is closed for that.
    set -l current (string unescape -- $token'' $token\' $token\")[1]
    set -g __fish_peelfs_found (command $before[1] __complete-path -- "$current" $before[2..] 2>/dev/null | string split0)
    test (count $__fish_peelfs_found) -gt 0
end

complete -c peelfs -f -n __fish_peelfs_finds_in_image -a '$__fish_peelfs_found'
