# Configures a Debian machine with the installed product as a gate. Runs once, in the image. Its arguments are the
# packages of picamera2 for pip; only the check `picamera` needs them.
cd /usr/local/lib/gate

echo gate >/etc/hostname
echo '/dev/vda / ext4 errors=remount-ro 0 1' >/etc/fstab
systemd-machine-id-setup
passwd -d root
mkdir -p /var/log/journal

# One camera with one HDMI input, and one HDMI output for the pictures. Without the scaler (ccs modes 0): in the kernel of
# Debian 13 it reads past the end of its buffer and crashes the kernel.
echo vivid >/etc/modules-load.d/vivid.conf
echo 'options vivid n_devs=1 node_types=0x101 num_inputs=1 input_types=0x3 num_outputs=1 output_types=0x1' \
    'ccs_cap_mode=0 ccs_out_mode=0' >/etc/modprobe.d/vivid.conf

printf '[Match]\nName=en* eth*\n[Network]\nDHCP=ipv4\n' >/etc/systemd/network/gate.network
systemctl enable systemd-networkd
printf 'listener 1883\nallow_anonymous true\n' >/etc/mosquitto/conf.d/gate.conf
systemctl enable mosquitto

for unit in gate-agent gate-camera gate-log; do
    cp $unit.service /etc/systemd/system/
    systemctl enable $unit
done

# sudo removes the pip variables of the host from the environment.
sudo /opt/edge-lpr/venv/bin/pip install --no-deps --target /opt/picamera2 "$@"

# An emulated processor is slow. Services that a gate does not need are not started, the work of the first boot is done
# here, and the initramfs has three drivers and no udev. It then takes seconds instead of half a minute.
systemctl mask systemd-logind getty.target e2scrub_reap apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
    e2scrub_all.timer fstrim.timer systemd-tpm2-setup systemd-tpm2-setup-early systemd-resolved systemd-binfmt \
    kmod-static-nodes systemd-firstboot systemd-pcrmachine systemd-pcrphase systemd-pcrphase-sysinit systemd-pstore \
    systemd-hibernate-clear modprobe@configfs modprobe@fuse modprobe@efi_pstore modprobe@drm systemd-sysusers \
    systemd-ask-password-wall.path dev-hugepages.mount dev-mqueue.mount sys-kernel-config.mount remote-fs.target \
    sys-fs-fuse-connections.mount sys-kernel-tracing.mount sys-kernel-debug.mount proc-sys-fs-binfmt_misc.automount \
    systemd-networkd-persistent-storage ldconfig systemd-hwdb-update systemd-journal-catalog-update
touch /etc/.updated /var/.updated
echo MODULES=list >/etc/initramfs-tools/conf.d/gate
printf '%s\n' virtio_pci virtio_blk ext4 >>/etc/initramfs-tools/modules
rm /usr/share/initramfs-tools/hooks/udev /usr/share/initramfs-tools/scripts/init-{top,bottom}/udev
update-initramfs -u -k all

cp settings.yaml /etc/edge-lpr/config.yaml
chgrp edge-lpr /etc/edge-lpr/config.yaml
chmod 640 /etc/edge-lpr/config.yaml
