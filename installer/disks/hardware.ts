/** Who a disk is: model, serial, WWN and bus, from what sysfs and udev say about it. */

import type { Bus } from './disk.ts';
import { printable } from './disk.ts';
import type { UdevDevice } from './parse.ts';

export interface Hardware {
  readonly model: string;
  readonly serial: string;
  readonly wwn: string;
  readonly byId: readonly string[];
  readonly bus: Bus;
  readonly shared: boolean;
}

const SHARED: readonly Bus[] = ['iscsi', 'fc', 'nvme-fabrics'];
const BY_ID = 'disk/by-id/';

/** @param sys Reads a file below /sys/block/<disk>, '' when it does not exist. */
export function readHardware(
  name: string,
  sys: (path: string) => string,
  udev: UdevDevice | undefined,
): Hardware {
  const property = (key: string) => udev?.properties.get(key) ?? '';
  const bus = busOf(name, sys, property);
  return {
    model: modelOf(bus, sys, property),
    serial: serialOf(name, sys, property),
    wwn: wwnOf(sys, property),
    byId: (udev?.links ?? [])
      .filter((link) => link.startsWith(BY_ID))
      .map((link) => printable(link.slice(BY_ID.length))),
    bus,
    shared: SHARED.includes(bus),
  };
}

type Property = (key: string) => string;

/** The path through the device tree is the most reliable witness: ID_BUS says "scsi" for SAS, FC and iSCSI alike. */
function busOf(name: string, sys: Property, property: Property): Bus {
  const path = sys('devpath');
  if (name.startsWith('nvme')) {
    const transports = sys('transports').split(' ');
    return path.includes('/nvme-fabrics/') ||
      transports.some((transport) => /^(tcp|rdma|fc|loop)$/.test(transport))
      ? 'nvme-fabrics'
      : 'nvme';
  }
  if (name.startsWith('mmcblk')) return 'mmc';
  if (/\/session\d+\//.test(path) || property('ID_PATH').includes('-iscsi-')) return 'iscsi';
  if (/\/rport-\d/.test(path) || property('ID_PATH').includes('-fc-')) return 'fc';
  if (/\/usb\d+\//.test(path) || property('ID_BUS') === 'usb') return 'usb';
  if (/\/virtio\d+\//.test(path)) return 'virtio';
  if (/\/ata\d+\//.test(path))
    return property('ID_ATA_SATA') === '1' || property('ID_ATA') === '1' ? 'sata' : 'ata';
  if (/\/end_device-/.test(path)) return 'sas';
  if (/^(megaraid|mpi3mr|smartpqi|hpsa|aacraid)/.test(sys('driver'))) return 'raid';
  return property('ID_BUS') === 'scsi' || path.includes('/target') ? 'scsi' : 'other';
}

function modelOf(bus: Bus, sys: Property, property: Property): string {
  const model = sys('device/model') || sys('device/name') || property('ID_MODEL').replaceAll('_', ' ');
  const vendor = sys('device/vendor');
  // SCSI inquiry gives "ATA" as vendor of every SATA disk, and virtio's "vendor" is a PCI number.
  return (
    printable([/^(ATA|0x.*)?$/i.test(vendor.trim()) ? '' : vendor.trim(), model.trim()].join(' ')) ||
    `${bus} disk`
  );
}

function serialOf(name: string, sys: Property, property: Property): string {
  // scsi_id's short serial is the WWN; where there is a unit serial number, that is what is printed on the disk.
  const candidates = [
    property('ID_SCSI_SERIAL'),
    property('ID_SERIAL_SHORT'),
    sys('device/serial'),
    sys('serial'),
  ];
  // For USB and others udev makes ID_SERIAL up from vendor and model; only these two have nothing but a serial in it.
  if (name.startsWith('vd') || name.startsWith('mmcblk')) candidates.push(property('ID_SERIAL'));
  return candidates.map(cleanIdentifier).find((serial) => serial !== '') ?? '';
}

function wwnOf(sys: Property, property: Property): string {
  const candidates = [property('ID_WWN_WITH_EXTENSION'), property('ID_WWN'), sys('wwid'), sys('device/wwid')];
  // "t10." names are vendor text with the serial in it, not world wide names.
  return (
    candidates
      .filter((wwn) => !wwn.startsWith('t10.'))
      .map((wwn) => cleanIdentifier(normalizeWwn(wwn)))
      .find((wwn) => wwn !== '') ?? ''
  );
}

/** The same name is written 0x5000c500…, naa.5000c500… or plainly; only the digits count. */
export function normalizeWwn(wwn: string): string {
  return wwn
    .trim()
    .toLowerCase()
    .replace(/^(0x|naa\.|eui\.|wwn-)+/, '');
}

/** Blanks inside become '_' as udev writes them; an identifier of zeros or blanks only is none. */
function cleanIdentifier(text: string): string {
  const cleaned = printable(text).replaceAll(/\s+/g, '_');
  return /^[0_?]*$/.test(cleaned) ? '' : cleaned;
}
