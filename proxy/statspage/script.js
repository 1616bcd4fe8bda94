(function(){
"use strict";
var d=document,$=function(i){return d.getElementById("@"+i)},body=d.body,every=+body.dataset.every,paused=!every,got=Date.now(),failed=false,busy=false,next=0;
if(!every)every=5;
d.querySelector(".live").hidden=false;
function put(el,html){if(el.innerHTML!==html)el.innerHTML=html}
function keyed(root,sel){var m={};root.querySelectorAll(sel).forEach(function(e){m[e.dataset.k]=e});return m}
function cell(a,b){
 if(a.querySelector("input"))return;
 if(a.className!==b.className)a.className=b.className;
 var x=a.querySelector("details>div"),y=b.querySelector("details>div");
 if(x&&y)put(x,y.innerHTML);else if(!a.contains(d.activeElement))put(a,b.innerHTML);
}
function row(a,b){
 if(a.className!==b.className)a.className=b.className;
 if(a.cells.length!==b.cells.length){a.innerHTML=b.innerHTML;return}
 for(var i=0;i<a.cells.length;i++)cell(a.cells[i],b.cells[i]);
}
function rows(a,b){
 var have=keyed(a,"tr[data-k]"),want=keyed(b,"tr[data-k]"),k,body=a.querySelector("tbody"),before=null;
 for(k in have)if(!want[k])have[k].remove();
 b.querySelectorAll("tr[data-k]").forEach(function(r){
  var o=have[r.dataset.k];
  if(o)row(o,r);else body.insertBefore(o=d.importNode(r,true),before?before.nextSibling:body.firstChild);
  before=o;
 });
}
function section(a,b){
 a.className=b.className;
 var x=a.querySelector(".sparks"),y=b.querySelector(".sparks");
 if(x&&y)put(x,y.innerHTML);else if(y)a.insertBefore(d.importNode(y,true),a.querySelector("form,.scroll"));
 rows(a,b);
}
function update(n){
 ["sum","facts","log","process"].forEach(function(i){
  var a=$(i),b=n.getElementById("@"+i);
  if(a&&b){a.className=b.className;put(a,b.innerHTML)}
 });
 d.title=n.title;
 var a=$("proxies"),b=n.getElementById("@proxies"),have=keyed(a,"section[data-k]"),k,want=keyed(b,"section[data-k]");
 for(k in have)if(!want[k])have[k].remove();
 b.querySelectorAll("section[data-k]").forEach(function(s){
  var o=have[s.dataset.k];
  if(o)section(o,s);else a.appendChild(d.importNode(s,true));
 });
 sort();
}
function sort(){
 var on=$("first").checked;
 function order(parent,list){
  var want=list.slice().sort(function(x,y){
   var p=on?(y.classList.contains("trouble")-x.classList.contains("trouble")):0;
   return p||x.place-y.place;
  });
  if(want.some(function(e,i){return e!==list[i]})){
   var f=d.activeElement,t=scrollY;
   want.forEach(function(e){parent.appendChild(e)});
   if(f&&f!==d.activeElement)f.focus({preventScroll:true});
   scrollTo(scrollX,t);
  }
 }
 function places(list){list.forEach(function(e){if(e.place===undefined)e.place=++next});return list}
 order($("proxies"),places([].slice.call(d.querySelectorAll("section.proxy"))));
 d.querySelectorAll("section.proxy tbody").forEach(function(b){order(b,places([].slice.call(b.children).filter(function(r){return r.dataset.k})))});
}
function load(){
 if(busy)return;
 busy=true;
 var stop=new AbortController(),timer=setTimeout(function(){stop.abort()},10000);
 fetch(location.href.split("#")[0].replace(/;st=\w{4}/,""),{cache:"no-store",credentials:"same-origin",signal:stop.signal}).then(function(r){
  if(!r.ok)throw 0;
  return r.text();
 }).then(function(t){
  update(new DOMParser().parseFromString(t,"text/html"));
  got=Date.now();failed=false;
 }).catch(function(){failed=true}).then(function(){clearTimeout(timer);busy=false;tick()});
}
function tick(){
 var s=Math.round((Date.now()-got)/1000),stale=failed||!paused&&s>3*every;
 $("age").textContent=(stale?"STALE: ":"")+"updated "+s+" s ago";
 $("age").className=stale?"ill":"";
 if(!paused&&s>=every)load();
}
function show(){
 $("pause").textContent=paused?"resume":"pause";
 $("pause").setAttribute("aria-pressed",paused);
}
$("pause").onclick=function(){paused=!paused;show();tick()};
$("again").onclick=load;
$("first").onchange=sort;
show();sort();tick();setInterval(tick,1000);
})();
