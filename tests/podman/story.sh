# What is done to an image by Podman and by Buildah, whatever mounts its layers; the files that it leaves are compared.
# Beside it: base.tar, Containerfile and what that copies. RUNTIMES are tried in turn to run containers.
set -eu

podman load --quiet --input base.tar >/dev/null
podman build --quiet --isolation chroot --network host --layers --tag built:1 . >/dev/null

limits='--ulimit nofile=1024:1024 --ulimit nproc=1024:1024 --network none'
runtime=
for candidate in $RUNTIMES; do
    if podman --runtime "$candidate" run $limits --rm built:1 true 2>>runtime.log; then
        runtime=$candidate
        break
    fi
done
echo "$runtime" >runtime.out

# A container that works on layers of directories, ends, and goes on.
if [ -n "$runtime" ]; then
    # Directories have sizes and link counts as their file system likes.
    show='for name in /lower/* $(ls -d /opt/deep/* 2>/dev/null); do
        if [ -d $name ]; then stat -c "%n %A %u:%g" $name; else stat -c "%n %A %u:%g %s %h" $name; fi
    done'
    work='set -e; cat /etc/done 2>/dev/null || true; echo once >>/etc/done
        rm -f /tree/copied; mkdir -p /opt/deep; [ -d /opt/deep/tree ] || mv /tree /opt/deep/tree
        exec 3</lower/again/f; rm /lower/again/f; cat <&3; echo back >/lower/again/f
        chmod 4755 /lower/b'
    podman --runtime "$runtime" run $limits --name worker built:1 sh -c "$work; $show" >worker.out
    podman --runtime "$runtime" start --attach worker >>worker.out
    podman diff worker | sort >diff.out
    podman commit --quiet worker committed:1 >/dev/null
    # Not root, in a mount that root has made.
    podman --runtime "$runtime" run $limits --rm --user 1000:1000 built:1 \
        sh -c "id; cat /lower/b; cat /lower/secret 2>/dev/null || echo denied; $show" >user.out
fi

# Buildah's working container, worked on from outside; mounted twice, so that the upper is opened again.
working=$(buildah from --name working built:1)
mounted=$(buildah mount "$working")
grep fuse /proc/self/mountinfo >mounts
cd "$mounted"
setfattr -n user.colour -v blue lower/b
setfattr -n user.kept -v yes lower
rm -r tree && mkdir tree && echo tree >tree/new
mv lower/again lower/fresh
mv lower/hard1 lower/hard3
ln lower/hard3 lower/hard4
truncate -s 1000000 lower/b
printf x | dd of=lower/large bs=1 seek=70000 conv=notrunc status=none
chown -h 5:6 lower/link
touch -h -d @1000000000 lower/link
mkdir -m 1777 lower/sticky
cd "$OLDPWD"
buildah umount "$working" >/dev/null
mounted=$(buildah mount "$working")
cd "$mounted"
rm lower/fresh/f
mv lower/fresh/deeper lower/risen
rmdir lower/sticky
mkdir lower/sticky lower/sticky/second
getfattr -d -m user lower/b lower >"$OLDPWD/xattrs.out"
cd "$OLDPWD"
buildah umount "$working" >/dev/null
buildah commit --quiet "$working" worked:1 >/dev/null

for image in built ${runtime:+committed} worked; do
    podman save --quiet --format docker-archive --output "$image.tar" "$image:1"
    podman create --name "$image" "$image:1" sh >/dev/null
    podman export --output "$image.root.tar" "$image"
done
podman rm --all --force >/dev/null
buildah rm --all >/dev/null
