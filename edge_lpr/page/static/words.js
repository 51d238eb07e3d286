// The page's texts in both languages. {value} and other marks are replaced.

const WORDS = {
  en: {
    "other-language": "中文", "login-title": "edge-lpr gate", "token": "Token", "login": "Log in", "logout": "Log out",
    "login-hint": "The token is page.token in the gate's settings.",
    "live": "Live picture", "draw": "Draw on the picture", "lane": "Lane", "ignore": "Ignore", "line": "Line",
    "way-in": "Way in", "down": "down", "up": "up", "left": "to the left", "right": "to the right",
    "add-corner": "Add corner", "remove-corner": "Remove corner", "clear": "Clear", "save": "Save", "saving": "Saving …", "cancel": "Cancel",
    "saved": "Saved and applied.", "saved-restart": "Saved. Restart the service to apply it.",
    "hint-lane": "Tap the corners of the lane in the picture; drag them to move them. Plates outside do not count. Without corners the whole picture counts.",
    "hint-ignore": "Tap the corners of an area where plates are ignored, such as a sign or the street behind.",
    "hint-line": "Tap two points. A vehicle counts when its plate crosses the line between them. Then choose the direction that leads in.",
    "few-corners": "An area needs three corners or more.", "few-points": "The line needs two points.",
    "area": "Area {value}", "new-area": "New area", "corner": "Corner {value}",
    "advice": "Aim the camera", "passages": "Last passages", "health": "Health", "close": "Close",
    "delete": "Delete pictures", "delete-sure": "Really delete?", "no-passages": "None yet.", "no-crop": "no picture",
    "crop-of": "Plate {value}", "frame-of": "Whole picture of {value}",
    "crossing-in": "in", "crossing-out": "out", "approaching": "approaching", "leaving": "leaving",
    "list-known": "known", "list-blocked": "blocked", "sure": "{value} % sure",
    "now-none": "No plate in the picture.", "now-narrow": "A plate, {value} px wide: too small to read.",
    "outside": "outside the lane", "px": "{value} px",
    "topic-width": "Size", "topic-sharpness": "Focus", "topic-light": "Light", "topic-angle": "Angle",
    "width-no-plate": "No plate in the last seconds. Let a vehicle stop at the gate.",
    "width-too-narrow": "Plates are {value} px wide; they are read from {least} px. Move closer or zoom in; {comfortable} px is good.",
    "width-narrow": "Plates are {value} px wide: they are read. Better move closer or zoom in; {comfortable} px is good.",
    "width-wide": "Plates are {value} px wide. That is good.",
    "sharpness-no-plate": "Shown after a plate was read.",
    "sharpness-blurred": "Plates are blurred: focus the lens, clean it, or shorten the exposure.",
    "sharpness-soft": "Plates are a little soft: focus on the place where vehicles stop.",
    "sharpness-sharp": "Plates are sharp.",
    "light-no-plate": "Shown after a plate was read.",
    "light-dark-lane": "The lane is dark. Light it with a lamp or infrared.",
    "light-glaring": "{value} % of the plate is overexposed: shorten the exposure, or turn the lamp aside.",
    "light-dark": "Plates are dark: lengthen the exposure, or light the lane.",
    "light-flat": "Plates have little contrast: too little light, fog, glare or a dirty lens.",
    "light-lit": "Plates are well lit.",
    "angle-no-plate": "Shown after a plate was read.",
    "angle-tilted": "Plates are rotated by {value}°: turn the camera until they are level.",
    "angle-sideways": "Plates are seen {value}° from the side: move the camera nearer to the lane's middle.",
    "angle-from-above": "Plates are seen {value}° from above: mount the camera lower or farther away.",
    "angle-straight": "The angle is good.",
    "state-normal": "Reading", "state-idle": "Reading, lane idle", "state-busy": "Reading, busy", "state-hot": "Hot, reading less",
    "state-throttled": "Throttled, reading less", "state-starting": "Starting", "state-failed": "Camera failed",
    "state-ended": "Recording ended", "state-broker": "Broker offline", "state-lost": "Gate not reachable",
    "h-camera": "Camera", "h-size": "Picture", "h-broker": "Broker", "h-waiting": "Passages waiting", "h-speed": "Frames read per second",
    "h-latency": "Latency", "h-temperature": "Temperature", "h-throttling": "Power and clock rate", "h-time": "Clock",
    "h-passages": "Passages since start", "h-version": "Version", "h-uptime": "Running for",
    "camera-running": "running", "camera-starting": "starting", "camera-failed": "failed",
    "camera-ended": "recording ended", "fault-silent": "no pictures", "fault-hangs": "not responding", "fault-frozen": "picture frozen",
    "fault-black": "picture black", "fault-noise": "picture is noise", "fault-late": "pictures come late",
    "broker-connected": "connected", "broker-connecting": "connecting", "broker-refused": "refused",
    "broker-unreachable": "not reachable", "broker-misconfigured": "settings wrong", "broker-lost": "connection lost",
    "broker-stopped": "stopped", "time-set": "set", "time-unset": "not set",
    "throttling-none": "good", "throttling-now": "low power, or throttled", "throttling-before": "low power earlier",
    "ms": "{value} ms", "celsius": "{value} °C", "days": "{value} d", "hours": "{value} h", "minutes": "{value} min",
    "notice-none": "The camera gives no picture.", "notice-lost": "The gate is not reachable. Trying again …",
    "notice-private": "Pictures are switched off (privacy.images).", "notice-still": "Waiting for the first picture …",
    "error-TooManyViewers": "Too many viewers; one of them must leave first.",
    "error-TooMany": "Too many requests; wait a moment.", "error-TooManyLogins": "Too many wrong tokens; try again in a minute.",
    "error-WrongToken": "This is not the token.", "error-LoggedOut": "You are logged out; load the page again.",
    "error-Forbidden": "Refused; load the page again.", "error-Network": "The gate is not reachable.",
    "error-BadSettings": "Not saved: {value}", "cannot-save": "This service has no settings file to save to.",
  },
  zh: {
    "other-language": "English", "login-title": "edge-lpr 道闸", "token": "令牌", "login": "登录", "logout": "退出",
    "login-hint": "令牌写在道闸的配置文件中，即 page.token。",
    "live": "实时画面", "draw": "在画面上绘制", "lane": "车道", "ignore": "忽略区", "line": "计数线",
    "way-in": "入场方向", "down": "向下", "up": "向上", "left": "向左", "right": "向右",
    "add-corner": "添加顶点", "remove-corner": "删除顶点", "clear": "清空", "save": "保存", "saving": "正在保存…", "cancel": "取消",
    "saved": "已保存并生效。", "saved-restart": "已保存，重启服务后生效。",
    "hint-lane": "点击画面标出车道的各个顶点，可拖动调整。车道以外的车牌不计。没有顶点时为整个画面。",
    "hint-ignore": "点击标出要忽略的区域，例如广告牌或后面的马路。",
    "hint-line": "点击两点画线：车牌越过这条线时记一次通行。然后选择入场方向。",
    "few-corners": "区域至少需要三个顶点。", "few-points": "计数线需要两个点。",
    "area": "区域 {value}", "new-area": "新区域", "corner": "顶点 {value}",
    "advice": "调整摄像机", "passages": "最近通行", "health": "运行状况", "close": "关闭",
    "delete": "删除图片", "delete-sure": "确定删除？", "no-passages": "暂无记录。", "no-crop": "无图片",
    "crop-of": "车牌 {value}", "frame-of": "{value} 的全景图",
    "crossing-in": "入场", "crossing-out": "出场", "approaching": "驶近", "leaving": "驶离",
    "list-known": "白名单", "list-blocked": "黑名单", "sure": "置信度 {value}%",
    "now-none": "画面中没有车牌。", "now-narrow": "有车牌，宽 {value} 像素：太小，无法识别。",
    "outside": "车道外", "px": "{value} 像素",
    "topic-width": "大小", "topic-sharpness": "清晰度", "topic-light": "光线", "topic-angle": "角度",
    "width-no-plate": "最近没有看到车牌。请让一辆车停在道闸前。",
    "width-too-narrow": "车牌宽 {value} 像素，至少需要 {least} 像素：请靠近或放大；{comfortable} 像素较为合适。",
    "width-narrow": "车牌宽 {value} 像素：可以识别，但最好靠近或放大；{comfortable} 像素较为合适。",
    "width-wide": "车牌宽 {value} 像素，大小合适。",
    "sharpness-no-plate": "识别到车牌后显示。",
    "sharpness-blurred": "车牌模糊：请对焦、擦净镜头或缩短曝光时间。",
    "sharpness-soft": "车牌略微模糊：请对准停车位置对焦。",
    "sharpness-sharp": "车牌清晰。",
    "light-no-plate": "识别到车牌后显示。",
    "light-dark-lane": "车道太暗：请加装照明或红外灯。",
    "light-glaring": "车牌有 {value}% 过曝：请减少曝光或移开灯光。",
    "light-dark": "车牌偏暗：请增加曝光或照亮车道。",
    "light-flat": "车牌对比度低：光线不足、有雾、反光或镜头脏污。",
    "light-lit": "车牌光线良好。",
    "angle-no-plate": "识别到车牌后显示。",
    "angle-tilted": "车牌倾斜 {value}°：请转动摄像机使其水平。",
    "angle-sideways": "从侧面 {value}° 看到车牌：请将摄像机移近车道中间。",
    "angle-from-above": "从上方 {value}° 看到车牌：请降低摄像机或移远一些。",
    "angle-straight": "车牌角度良好。",
    "state-normal": "正在识别", "state-idle": "正在识别，车道空闲", "state-busy": "正在识别，繁忙", "state-hot": "过热，已降低频率",
    "state-throttled": "已降频，识别减少", "state-starting": "正在启动", "state-failed": "摄像机故障",
    "state-ended": "录像已播完", "state-broker": "消息服务器断开", "state-lost": "无法连接道闸",
    "h-camera": "摄像机", "h-size": "画面", "h-broker": "消息服务器", "h-waiting": "待发送通行", "h-speed": "每秒识别帧数",
    "h-latency": "识别延迟", "h-temperature": "温度", "h-throttling": "供电与频率", "h-time": "时钟",
    "h-passages": "启动后通行", "h-version": "版本", "h-uptime": "已运行",
    "camera-running": "运行中", "camera-starting": "正在启动", "camera-failed": "故障",
    "camera-ended": "录像已播完", "fault-silent": "没有画面", "fault-hangs": "无响应", "fault-frozen": "画面冻结",
    "fault-black": "画面全黑", "fault-noise": "画面为噪声", "fault-late": "画面延迟",
    "broker-connected": "已连接", "broker-connecting": "正在连接", "broker-refused": "拒绝连接",
    "broker-unreachable": "无法连接", "broker-misconfigured": "配置有误", "broker-lost": "连接中断",
    "broker-stopped": "已停止", "time-set": "已同步", "time-unset": "未同步",
    "throttling-none": "正常", "throttling-now": "供电不足或已降频", "throttling-before": "曾经供电不足",
    "ms": "{value} 毫秒", "celsius": "{value} °C", "days": "{value} 天", "hours": "{value} 小时", "minutes": "{value} 分钟",
    "notice-none": "摄像机没有画面。", "notice-lost": "无法连接道闸，正在重试…",
    "notice-private": "图片已关闭（privacy.images）。", "notice-still": "正在等待第一幅画面…",
    "error-TooManyViewers": "观看人数已满，需有人先离开。",
    "error-TooMany": "请求过多，请稍候。", "error-TooManyLogins": "令牌错误次数过多，请一分钟后再试。",
    "error-WrongToken": "令牌不正确。", "error-LoggedOut": "已退出登录，请重新打开页面。",
    "error-Forbidden": "请求被拒绝，请重新打开页面。", "error-Network": "无法连接道闸。",
    "error-BadSettings": "未保存：{value}", "cannot-save": "此服务没有可保存的配置文件。",
  },
};

const KEPT = "edge-lpr-language";
const listeners = [];
let language = localStorage.getItem(KEPT) ?? document.documentElement.lang;
if (!(language in WORDS)) language = "en";

export function word(name, values = {}) {
  const text = WORDS[language][name] ?? name;
  return text.replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
}

export const hasWord = (name) => name in WORDS[language];

/** Calls `listener` now and whenever the language changes. */
export function onLanguage(listener) {
  listeners.push(listener);
  listener();
}

export function formatTime(at) {
  const time = new Date(at);
  const isToday = time.toDateString() === new Date().toDateString();
  const date = isToday ? {} : { month: "short", day: "numeric" };
  return time.toLocaleString(language === "zh" ? "zh-CN" : "en-GB", { ...date, hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

function apply() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = word(element.dataset.word);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", word(element.dataset.label));
  document.getElementById("language").lang = language === "zh" ? "en" : "zh-CN";
}

onLanguage(apply);
document.getElementById("language").addEventListener("click", () => {
  language = language === "zh" ? "en" : "zh";
  localStorage.setItem(KEPT, language);
  for (const listener of listeners) listener();
});
